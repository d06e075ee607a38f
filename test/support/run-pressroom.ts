import { type ChildProcess, spawn } from 'node:child_process';
import { findProductModule } from './product-code.ts';

export type Ended = { code: number | null; stdout: string; stderr: string };

export type RunningPressroom = {
  child: ChildProcess;
  /** The first match in what it has written so far or will write. */
  said: (pattern: RegExp) => Promise<RegExpExecArray>;
  ended: Promise<Ended>;
};

/** Starts the command line as a user does, in a process of its own. */
export function startPressroom(
  args: readonly string[],
  { env = {}, cwd }: { env?: Record<string, string>; cwd: string },
): RunningPressroom {
  const { nodeArgs, path } = findProductModule('bin/pressroom');
  const child = spawn(process.execPath, [...nodeArgs, path, ...args], {
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
