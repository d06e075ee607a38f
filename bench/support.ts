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
  return {
    pid: child.pid ?? 0,
    end: () => end(child, 'SIGTERM'),
    kill: () => end(child, 'SIGKILL'),
  };
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
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

/** Processor time that a process has used so far, in ms, at 100 ticks a second. Linux only; else not a number. */
export function readProcessorMs(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
}

/** A house of real processes with a Redis and simulated sites of its own; the first site is called `demo`. */
export async function openHouse(
  options: { publishMs?: number; workers?: number; slots?: number; sites?: number } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const redis = await openOwnRedis({}, console.log);
  const reader = openDocumentReader();
  const openSite = (name: string) =>
    openSimulatedSite({
      folder: join(folder, name),
      reader,
      publishMs: options.publishMs ?? 1_000,
      publishingInstances: options.slots ?? 2,
    });
  const site = await openSite('demo');
  const sites = new Map([['demo', site]]);
  for (let number = 2; number <= (options.sites ?? 1); number += 1)
    sites.set(`demo${number}`, await openSite(`demo${number}`));
  const port = await findFreePort();
  const file = join(folder, 'pressroom.yaml');
  await writeFile(
    file,
    stringify({
      http: { port },
      redis: { url: redis.url },
      storage: { kind: 'folder', path: join(folder, 'storage') },
      sites: Object.fromEntries(
        [...sites].map(([name, { url, username }]) => [
          name,
          {
            url,
            auth: { username, password: { env: `SITE_${name}` } },
            ...(options.slots && { slots: options.slots }),
          },
        ]),
      ),
    }),
  );
  const passwords = [...sites].map(([name, { password }]) => [`SITE_${name}`, password]);
  const env: Record<string, string> = {
    PRESSROOM_CONFIG: file,
    PRESSROOM_LOG_LEVEL: 'info',
    ...Object.fromEntries(passwords),
  };
  const http = await startBuilt('http', env);
  const workers = await Promise.all(
    Array.from({ length: options.workers ?? 0 }, () => startBuilt('worker', env)),
  );
  return {
    folder,
    redis,
    site,
    sites,
    http,
    workers,
    /** Kills a worker as a machine that fails would, and starts another one. */
    replaceWorker: async () => {
      const [oldest] = workers.splice(0, 1);
      await oldest?.kill();
      workers.push(await startBuilt('worker', env));
    },
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      await Promise.all([http.end(), ...workers.map((worker) => worker.end())]);
      await Promise.all([...sites.values()].map((each) => each.close()));
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
