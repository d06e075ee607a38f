import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { openDocumentReader } from '../src/documents/document-reader.ts';
import { findFreePort, openOwnRedis } from '../src/lib/own-redis.ts';
import { openSimulatedSite } from '../src/simulated-site/simulated-site.ts';

const built = fileURLToPath(new URL('../dist/bin/pressroom.js', import.meta.url));

export type Figure = {
  what: string;
  value: number;
  unit: string;
  baseline?: number;
  ratio?: number;
};

/** A process of the built product, measured from outside. */
export async function startBuilt(command: 'http' | 'worker', env: Record<string, string>) {
  return start([built, command], env, /Worker is ready|API is ready/);
}

export async function start(args: string[], env: Record<string, string>, ready: RegExp) {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', function hear(chunk: Buffer) {
      said += chunk.toString('utf8');
      if (!ready.test(said)) return;
      child.stdout.off('data', hear).resume(); // to read a log takes time that is not to be measured
      resolve();
    });
    child.once('exit', () => reject(new Error(`ended: ${said}`)));
  });
  return { pid: child.pid ?? 0, end: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

/** Resident memory in MiB: now, and at its peak. Linux only; else not a number. */
export function readMemory(pid: number): { now: number; peak: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const read = (name: string) =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
    return { now: read('VmRSS'), peak: read('VmHWM') };
  } catch {
    return { now: Number.NaN, peak: Number.NaN };
  }
}

/** A house of real processes with a Redis and a simulated site of its own. */
export async function openHouse(
  options: { publishMs?: number; workers?: number; slots?: number } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const redis = await openOwnRedis({}, console.log);
  const reader = openDocumentReader();
  const site = await openSimulatedSite({
    folder: join(folder, 'site'),
    reader,
    publishMs: options.publishMs ?? 1_000,
    publishingInstances: options.slots ?? 2,
  });
  const port = await findFreePort();
  const file = join(folder, 'pressroom.yaml');
  await writeFile(
    file,
    stringify({
      http: { port },
      redis: { url: redis.url },
      storage: { kind: 'folder', path: join(folder, 'storage') },
      sites: {
        demo: {
          url: site.url,
          auth: { username: site.username, password: { env: 'SITE' } },
          ...(options.slots && { slots: options.slots }),
        },
      },
    }),
  );
  const env = { PRESSROOM_CONFIG: file, SITE: site.password, PRESSROOM_LOG_LEVEL: 'info' };
  const http = await startBuilt('http', env);
  const workers = await Promise.all(
    Array.from({ length: options.workers ?? 0 }, () => startBuilt('worker', env)),
  );
  return {
    folder,
    redis,
    site,
    http,
    workers,
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      await Promise.all([http.end(), ...workers.map((worker) => worker.end())]);
      await site.close();
      await reader.close();
      await redis.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs a job so many times, so many at a time. @returns how many a second */
export async function measureRate(
  count: number,
  atOnce: number,
  job: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const beganMs = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let index = next++; index < count; index = next++) await job(index);
    }),
  );
  return count / ((performance.now() - beganMs) / 1000);
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
