import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { installSystemPackage } from './system-package.ts';
import { pause } from './wait.ts';

const run = promisify(execFile);

export type OwnRedis = { url: string; pid: number; close: () => Promise<void> };

/**
 * Where a Redis of one's own keeps its data: nowhere, or in a folder with an append-only file. With `fsync: 'no'` what
 * was answered is in the hands of the system at once, so that a kill loses nothing; else Redis keeps it to itself for
 * up to two seconds while a slow disk is at an earlier fsync.
 */
export type Persistence =
  | { kind: 'none' }
  | { kind: 'append-only'; folder: string; fsync?: 'everysec' | 'no' };

/**
 * A Redis for the demo, the tests and the measurements: `PRESSROOM_REDIS_URL` if set, else a server
 * found on PATH and started on a free port, else one that the system's package manager installs.
 *
 * @throws Error with a one-line hint when there is none and none may be installed
 */
export async function openOwnRedis(
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
  persistence: Persistence = { kind: 'none' },
): Promise<OwnRedis> {
  const given = env.PRESSROOM_REDIS_URL;
  if (given) return { url: given, pid: 0, close: async () => {} };
  const command = (await findServer()) ?? (await installServer(env, say));
  return startServer(command, persistence, await findFreePort());
}

/** Starts a server on a given port: for tests that end it and bring it back. */
export async function openOwnRedisAt(port: number, persistence: Persistence): Promise<OwnRedis> {
  const command = await findServer();
  if (!command) throw new Error(noRedisHint);
  return startServer(command, persistence, port);
}

const noRedisHint = 'No Redis: set PRESSROOM_REDIS_URL or run `apt-get install redis-server`';

async function findServer(): Promise<string | undefined> {
  for (const command of ['redis-server', 'valkey-server', 'keydb-server']) {
    const works = await run(command, ['--version'], { timeout: 5_000 }).then(
      () => true,
      () => false, // not there, or there and unable to start: the next one
    );
    if (works) return command;
  }
  return undefined;
}

async function installServer(env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<string> {
  const names = { apt: 'redis-server', brew: 'redis' };
  const isInstalled = await installSystemPackage(names, {
    env,
    why: 'No Redis on this machine',
    say,
  });
  const installed = isInstalled ? await findServer() : undefined;
  if (!installed) throw new Error(noRedisHint);
  return installed;
}

async function startServer(
  command: string,
  persistence: Persistence,
  port: number,
): Promise<OwnRedis> {
  const keep =
    persistence.kind === 'none'
      ? ['--appendonly', 'no']
      : [
          ...['--appendonly', 'yes', '--appendfsync', persistence.fsync ?? 'everysec'],
          ...['--dir', persistence.folder],
        ];
  const child = spawn(
    command,
    [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--maxmemory-policy',
      'noeviction',
      ...keep,
    ],
    { stdio: 'ignore' },
  );
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  await untilReady(port, child);
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    close: async () => {
      process.off('exit', endWithUs);
      await endChild(child);
    },
  };
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

async function untilReady(port: number, child: ChildProcess): Promise<void> {
  const patience = new AbortController();
  const probe = new Redis(port, '127.0.0.1', {
    retryStrategy: () => 20,
    maxRetriesPerRequest: null,
  });
  probe.on('error', () => {});
  const exited = new Promise<never>((_, reject) =>
    child.once('exit', (code) => reject(new Error(`Redis ended at once with code ${code}`))),
  );
  const late = pause(15_000, patience.signal).then(() => {
    throw new Error('Redis did not answer within 15 s');
  });
  try {
    await Promise.race([probe.ping(), exited, late]);
  } finally {
    probe.disconnect();
    exited.catch(() => {});
    late.catch(() => {});
    patience.abort(); // its timer would keep the process alive
  }
}

/** A port nobody listens on at this moment. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
