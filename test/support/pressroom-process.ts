import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { findProductModule } from './product-code.ts';

const readyMs = 90_000;

export type PressroomProcess = {
  pid: number;
  /** Everything it has logged so far. */
  output: () => string;
  signal: (signal: NodeJS.Signals) => void;
  /** Resolves with exit code and signal. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
};

/** A real process of the product, ready when it says so; it ends with the test run at the latest. */
export async function startPressroom(
  command: 'http' | 'worker',
  env: Record<string, string>,
  args: readonly string[] = [],
): Promise<PressroomProcess> {
  const { nodeArgs, path } = findProductModule('bin/pressroom');
  const child = spawn(process.execPath, [...nodeArgs, path, command, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  let output = '';
  const ended = once(child, 'exit').then(([code, signal]) => {
    process.off('exit', endWithUs);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  const ready = new Promise<void>((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`${command} is not ready:\n${output}`)),
      readyMs,
    );
    const hear = (chunk: Buffer) => {
      output += chunk.toString('utf8');
      if (!/Worker is ready|API is ready/.test(output)) return;
      clearTimeout(late);
      resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    void ended.then(() => {
      clearTimeout(late);
      reject(new Error(`${command} ended:\n${output}`));
    });
  });
  ready.catch(() => undefined);
  await ready;
  return { pid: pidOf(child), output: () => output, signal: (signal) => child.kill(signal), ended };
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('The process did not start');
  return child.pid;
}
