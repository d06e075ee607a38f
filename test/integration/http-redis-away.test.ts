import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findFreePort, type OwnRedis, openOwnRedisAt } from '../../src/lib/own-redis.ts';
import { ask, askJson, publishing, storedFiles, toForm } from '../support/asking.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';

const site = { url: 'http://127.0.0.1:9', username: 'publisher', password: 'unused' };
const echo = '/v1/processes/echo/execution';
const isAsync = { prefer: 'respond-async' };

let redis: OwnRedis;
let port: number;
let gateway: Gateway;

beforeAll(async () => {
  port = await findFreePort();
  redis = await openOwnRedisAt(port, { kind: 'none' });
  gateway = await openGateway({
    sites: { demo: site },
    hasWorker: false,
    settings: {
      conformanceEcho: true,
      redis: { url: redis.url, prefix: `t${randomUUID().slice(0, 8)}` },
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await redis.close();
});

async function expectRefusals(jobId: string, definition: Blob, withinMs: number): Promise<void> {
  const form = toForm([
    ['site', 'demo'],
    ['serviceDefinition', definition, 'roads.sd'],
  ]);
  const asked = [
    () => askJson(gateway, echo, { inputs: { echo: 'a' } }, isAsync),
    () =>
      askJson(
        gateway,
        echo,
        { inputs: { echo: 'a' } },
        { ...isAsync, 'idempotency-key': randomUUID() },
      ),
    () => ask(gateway, publishing, { method: 'POST', body: form }),
    () => ask(gateway, '/v1/jobs'),
    () => ask(gateway, `/v1/jobs/${jobId}`),
    () => ask(gateway, `/v1/jobs/${jobId}`, { method: 'DELETE' }),
    () =>
      ask(gateway, '/v1/uploads', { method: 'POST', body: toForm([['file', definition, 'a.sd']]) }),
    () => ask(gateway, '/v1/sites'),
    () => ask(gateway, '/v1/events', { headers: { accept: 'text/event-stream' } }),
    () => ask(gateway, `/v1/jobs/${jobId}/events`, { headers: { accept: 'text/event-stream' } }),
    () => ask(gateway, '/health/ready'),
  ];
  for (const request of asked) {
    const began = performance.now();
    const { status, headers, body: problem } = await request();
    expect(performance.now() - began).toBeLessThan(withinMs);
    expect([status, problem.code]).toEqual([503, 'queue_unavailable']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
  expect((await ask(gateway, '/health/live')).status).toBe(200);
  expect(await storedFiles(gateway)).toEqual([]);
}

test('answers 503 within a second while Redis is away, and goes on when it is back', async () => {
  const definition = await openAsBlob(await gateway.build());
  const { body } = await askJson(gateway, echo, { inputs: { echo: 'a' } }, isAsync);
  expect((await ask(gateway, '/health/ready')).status).toBe(200);

  process.kill(redis.pid, 'SIGSTOP'); // it hangs first, and is gone then; 1 s, and something for a busy machine
  await expectRefusals(body.jobID, definition, 1_400);
  process.kill(redis.pid, 'SIGCONT');
  await vi.waitFor(
    async () => expect((await ask(gateway, '/health/ready')).status).toBe(200),
    10_000,
  );
  await redis.close();
  await expectRefusals(body.jobID, definition, 1_000);

  redis = await openOwnRedisAt(port, { kind: 'none' });
  await vi.waitFor(
    async () => expect((await ask(gateway, '/health/ready')).status).toBe(200),
    10_000,
  );
  expect((await askJson(gateway, echo, { inputs: { echo: 'a' } }, isAsync)).status).toBe(201);
});
