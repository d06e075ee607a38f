import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { findFreePort } from './own-redis.ts';
import { openRedis } from './redis.ts';

test.for(['patient', 'impatient'] as const)(
  'a %s connection that is ended between two tries says so, and so do copies of it',
  async (patience) => {
    const url = `redis://127.0.0.1:${await findFreePort()}`;
    const redis = openRedis({ url, prefix: 'test' }, patience);
    const copy = redis.duplicate();
    copy.on('error', () => {});
    for (const one of [redis, copy]) {
      await new Promise((resolve) => one.once('reconnecting', resolve));
      const waiting = one.get('key').catch((error: Error) => error.message);
      const ended = new Promise((resolve) => one.once('end', resolve));
      one.disconnect();
      await ended;
      expect(await waiting).toMatch(/closed|enableOfflineQueue/);
      expect(one.status).toBe('end');
    }
  },
);

test('a command that was never answered fails when its connection is ended between two tries', async () => {
  const callers: Socket[] = [];
  const silent = createServer((caller) => {
    callers.push(caller);
    caller.on('data', (sent) => {
      const greetings = sent.toString().match(/hello|setinfo/gi) ?? [];
      caller.write('+OK\r\n'.repeat(greetings.length));
    });
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const redis = openRedis({ url: `redis://127.0.0.1:${port}`, prefix: 'test' }, 'patient');
  redis.options.enableReadyCheck = false;
  await once(redis, 'ready');
  const waiting = redis.get('key').catch((error: Error) => error.message);
  const betweenTries = new Promise((resolve) => redis.once('reconnecting', resolve));
  silent.close();
  for (const caller of callers) caller.destroy();
  await betweenTries;
  redis.disconnect();
  expect(await waiting).toBe('Connection is closed.');
});
