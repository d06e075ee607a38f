import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { installSystemPackage } from '../../src/lib/system-package.ts';

const run = promisify(execFile);

let found: Promise<string | undefined> | undefined;

/**
 * A Python of 3.9 or later for the stand-in of ArcPy: `PRESSROOM_TEST_PYTHON`, one on PATH, or one that the system's
 * package manager installs. None: the tests that need it say so and are skipped.
 */
export function findTestPython(): Promise<string | undefined> {
  found ??= search();
  return found;
}

async function search(): Promise<string | undefined> {
  const there = await findOnPath();
  if (there) return there;
  const names = { apt: 'python3', brew: 'python3' };
  const say = (line: string) => process.stderr.write(`${line}\n`);
  await installSystemPackage(names, { env: process.env, why: 'No Python on this machine', say });
  return (await findOnPath()) ?? refuse(say);
}

function refuse(say: (line: string) => void): undefined {
  say('No Python 3.9 or later: tests of ArcPy are skipped. Run `apt-get install python3`.');
  return undefined;
}

async function findOnPath(): Promise<string | undefined> {
  const given = process.env.PRESSROOM_TEST_PYTHON;
  for (const command of given ? [given] : ['python3', 'python']) {
    const script = 'import sys; print(sys.version_info >= (3, 9) and sys.executable or "")';
    const answer = await run(command, ['-c', script], { timeout: 10_000 }).catch(() => undefined);
    const path = answer?.stdout.trim();
    if (path) return path;
  }
  return undefined;
}
