import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { findFreePort, openOwnRedis, openOwnRedisAt } from './own-redis.ts';

const run = promisify(execFile);
const ownRedis = fileURLToPath(new URL('./own-redis.ts', import.meta.url));
const silent = () => {};

async function ask<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => {}); // the command says so
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** A script of its own process, over the module. */
const inProcess = (script: string) => [
  ...['--import', 'tsx', '--input-type=module', '-e'],
  `import * as own from ${JSON.stringify(ownRedis)};\n${script}`,
];

test('a Redis that is given is used and left running', async () => {
  const given = await openOwnRedis({ PRESSROOM_REDIS_URL: 'redis://given.example.org:1' }, silent);
  expect(given).toMatchObject({ url: 'redis://given.example.org:1', pid: 0 });
  await given.close();
});

test('a Redis of our own answers on loopback, evicts nothing, and ends when it is closed', async () => {
  const redis = await openOwnRedis({}, silent);
  expect(redis.url).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
  const policy = await ask(redis.url, (client) => client.config('GET', 'maxmemory-policy'));
  expect(JSON.stringify(policy)).toContain('noeviction');
  await redis.close();
  await redis.close();
  await expect(ask(redis.url, (client) => client.ping())).rejects.toThrow();
  expect(() => process.kill(redis.pid, 0)).toThrow('ESRCH');
});

test('with a folder it keeps what it was told, over a kill and a new start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'own-redis-'));
  const persistence = { kind: 'append-only' as const, folder };
  const port = await findFreePort();
  const first = await openOwnRedisAt(port, persistence);
  await ask(first.url, async (client) => {
    await client.set('kept', 'yes');
    await client.config('SET', 'appendfsync', 'always');
    await client.set('kept too', 'yes');
  });
  process.kill(first.pid, 'SIGKILL');
  await first.close();
  const second = await openOwnRedisAt(port, persistence);
  expect(second.url).toBe(first.url);
  expect(await ask(second.url, (client) => client.mget('kept', 'kept too'))).toEqual([
    'yes',
    'yes',
  ]);
  await second.close();
  await rm(folder, { recursive: true });
});

test('it ends with the process that opened it, and does not keep that process up', async () => {
  const script = `
    const redis = await own.openOwnRedis({}, () => {});
    console.log(redis.pid);
    if (process.argv[1] === 'close') await redis.close();
    else process.exit(0);`;
  const exited = await run(process.execPath, inProcess(script));
  await expect.poll(() => isRunning(Number(exited.stdout)), { timeout: 20_000 }).toBe(false);

  const child = spawn(process.execPath, [...inProcess(script), 'close'], { stdio: 'ignore' });
  const late = AbortSignal.timeout(30_000);
  expect(await once(child, 'exit', { signal: late })).toEqual([0, null]);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // no such process
  }
}

test('where there is no Redis and none may be installed, one line says what to do', async () => {
  const script = `
    await own.openOwnRedis({ PRESSROOM_NO_INSTALL: '1' }, console.log).catch((error) => console.log(error.message));`;
  const { stdout } = await run(process.execPath, inProcess(script), { env: { PATH: '/nowhere' } });
  expect(stdout.trim()).toBe(
    'No Redis: set PRESSROOM_REDIS_URL or run `apt-get install redis-server`',
  );
});

test('free ports are free and differ', async () => {
  const ports = await Promise.all([findFreePort(), findFreePort(), findFreePort()]);
  expect(new Set(ports).size).toBe(3);
});
