import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export type ArchiveChild = {
  child: ChildProcess;
  /** Rejects when it does not start. */
  ready: Promise<void>;
  /** What it said last on standard error. */
  lastWords: () => string;
};

const startTimeoutMs = 30_000;
const keptWords = 2_000;

/** The same kind of file as this one: `.ts` in a checkout, where Node 20 needs a loader, `.js` when built. */
export function startArchiveChild(maxHeapMiB: number): ArchiveChild {
  const extension = extname(fileURLToPath(import.meta.url));
  const loader =
    extension === '.ts'
      ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href]
      : [];
  const child = fork(new URL(`./archive-child${extension}`, import.meta.url), [], {
    execArgv: [`--max-old-space-size=${maxHeapMiB}`, ...loader],
    env: {}, // it needs none, and ours may hold secrets
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-keptWords);
  });
  const ready = untilReady(child);
  ready.catch(() => {}); // whoever waits for it hears it; the process may also end before
  release(child);
  return { child, ready, lastWords: () => words };
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const clock = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`The process that reads archives did not start in ${startTimeoutMs} ms`));
    }, startTimeoutMs);
    clock.unref();
    const settle = (then: () => void) => {
      clearTimeout(clock);
      then();
    };
    child.once('message', () => settle(resolve));
    child.once('error', (error) => settle(() => reject(error)));
    child.once('exit', () => clearTimeout(clock));
  });
}

/** While something is asked, our process waits for it. */
export function hold(child: ChildProcess): void {
  child.ref();
  child.channel?.ref();
}

/** Lets our process end although the other one runs; that one then ends by itself. */
export function release(child: ChildProcess): void {
  child.unref();
  child.channel?.unref();
  (child.stderr as Socket | null)?.unref();
}
