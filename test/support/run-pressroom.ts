import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export type Ended = { code: number | null; stdout: string; stderr: string };

export type RunningPressroom = {
  child: ChildProcess;
  /** The first match in what it has written so far or will write. */
  said: (pattern: RegExp) => Promise<RegExpExecArray>;
  ended: Promise<Ended>;
};

const entry = join(import.meta.dirname, '../../src/bin/pressroom.ts');
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** Starts the command line as a user does, in a process of its own. */
export function startPressroom(
  args: readonly string[],
  { env = {}, cwd }: { env?: Record<string, string>; cwd: string },
): RunningPressroom {
  const child = spawn(process.execPath, ['--import', loader, entry, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let look = () => {};
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    look();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  const said = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      look = () => {
        const match = pattern.exec(stdout);
        if (match) resolve(match);
      };
      look();
      void ended.then(() =>
        reject(new Error(`It ended without saying ${pattern}:\n${stdout}${stderr}`)),
      );
    });
  return { child, said, ended };
}
