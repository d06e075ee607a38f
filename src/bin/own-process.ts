import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pause } from '../lib/wait.ts';

export type OwnProcess = {
  /** The log line that said it was ready. */
  ready: Record<string, unknown>;
  /** Rejects when it ends without having been told to. */
  broken: Promise<never>;
  close: () => Promise<void>;
};

export type ProcessSpec = {
  command: 'http' | 'worker';
  env: NodeJS.ProcessEnv;
  logFile: string;
  /** Message of the log line that says it is ready. */
  readyWhen: string;
  signal: AbortSignal;
};

const readyMs = 60_000;
const graceMs = 5_000;
const keptLines = 8;

/** A process that was started and did not live. */
export class OwnProcessError extends Error {
  override readonly name = 'OwnProcessError';
  /** What it wrote last. */
  readonly lastLines: readonly string[];

  constructor(message: string, lastLines: readonly string[]) {
    super([message, ...lastLines].join('\n  '));
    this.lastLines = lastLines;
  }
}

/** The child ends with us, also when we are killed and can do nothing about it any more. */
const endWithParent =
  'data:text/javascript,process.once("disconnect",()=>process.kill(process.pid,"SIGTERM"));process.channel?.unref()';

/** Starts `pressroom <command>` as people do. @throws OwnProcessError when it ends before it is ready */
export async function openOwnProcess(spec: ProcessSpec): Promise<OwnProcess> {
  const entry = join(import.meta.dirname, `pressroom${extname(import.meta.filename)}`);
  const args = [...process.execArgv, '--import', endWithParent, entry, spec.command];
  const child = spawn(process.execPath, args, {
    env: spec.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const lastLines: string[] = [];
  const lines = readLines(child, spec.logFile, lastLines);
  let isClosing = false;
  const broken = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('exit', endWithUs);
      if (isClosing) return;
      reject(new OwnProcessError(`pressroom ${spec.command} ended (${signal ?? code})`, lastLines));
    });
  });
  broken.catch(() => {}); // whoever waits for it hears it
  const close = async () => {
    isClosing = true;
    await end(child);
  };
  const settled = new AbortController();
  const late = untilLate(spec, settled.signal);
  late.catch(() => {}); // it ends with the race
  try {
    const ready = await Promise.race([broken, lines.find(spec.readyWhen), late]);
    return { ready, broken, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    settled.abort();
  }
}

async function untilLate({ command, signal }: ProcessSpec, settled: AbortSignal): Promise<never> {
  await pause(readyMs, AbortSignal.any([signal, settled]));
  throw new Error(`pressroom ${command} was not ready within ${readyMs / 1000} s`);
}

/** Copies what a child writes into its log file, and finds the JSON line with a message. */
function readLines(child: ChildProcess, logFile: string, lastLines: string[]) {
  const log = createWriteStream(logFile, { flags: 'a' });
  child.once('close', () => log.end());
  const listeners = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr] as Readable[]) {
    createInterface({ input: stream }).on('line', (line) => {
      log.write(`${line}\n`);
      lastLines.push(line);
      if (lastLines.length > keptLines) lastLines.shift();
      for (const listener of listeners) listener(line);
    });
  }
  return {
    find: (message: string) =>
      new Promise<Record<string, unknown>>((resolve) => {
        const listener = (line: string) => {
          if (!line.startsWith('{') || !line.includes(message)) return;
          listeners.delete(listener);
          resolve(JSON.parse(line) as Record<string, unknown>);
        };
        listeners.add(listener);
      }),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await gone;
  clearTimeout(late);
}
