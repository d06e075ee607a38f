import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, vi } from 'vitest';
import { stringify } from 'yaml';
import { ask } from '../support/asking.ts';
import { startPressroom } from '../support/pressroom-process.ts';
import { hang, status, verified } from '../support/receiver.ts';
import { change, deliveryWhen, register, submit, test } from '../support/webhook-test.ts';

describe('receivers that fail', () => {
  test('are tried again under the same id, with a new time and signature', async ({
    listen,
    open,
  }) => {
    const receiver = await listen();
    const gateway = await open([receiver], { webhooks: { scheduleSeconds: [0, 1.1, 1.1] } });
    const { id, secret } = await register(gateway, receiver);
    receiver.answerNext(status(500), status(503));
    await ask(gateway, `/v1/webhook-endpoints/${id}/ping`, { method: 'POST' });
    const calls = await receiver.received(3);
    const distinct = (name: string) => new Set(calls.map(({ headers }) => headers[name])).size;
    expect(['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(distinct)).toEqual([
      1, 3, 3,
    ]);
    expect(calls.map((call) => verified(call, secret).type)).toEqual(Array(3).fill('webhook.ping'));
    const path = `/v1/webhook-endpoints/${id}/deliveries`;
    const done = await deliveryWhen(gateway, path, (each) => each.status === 'delivered');
    expect(done.attempts.map(({ httpStatus, excerpt }) => [httpStatus, excerpt])).toEqual([
      [500, 'answered 500'],
      [503, 'answered 503'],
      [204, undefined],
    ]);
    expect((await ask(gateway, `/v1/webhook-endpoints/${id}`)).body).not.toHaveProperty(
      'failingSince',
    );
  });

  test('by redirecting: nothing is followed', async ({ listen, open }) => {
    const [receiver, inside] = [await listen(), await listen()];
    const gateway = await open([receiver, inside]);
    const { id } = await register(gateway, receiver);
    receiver.answerAlways(status(302, { location: inside.url }));
    await ask(gateway, `/v1/webhook-endpoints/${id}/ping`, { method: 'POST' });
    const path = `/v1/webhook-endpoints/${id}/deliveries`;
    const failed = await deliveryWhen(gateway, path, (each) => each.status === 'failed');
    expect(failed.attempts.map(({ httpStatus }) => httpStatus)).toEqual([302, 302, 302]);
    expect(inside.calls).toEqual([]);
    expect((await ask(gateway, `/v1/webhook-endpoints/${id}`)).body).toMatchObject({
      enabled: true,
      failingSince: expect.any(String),
    });
  });

  test('with 410: the endpoint is disabled until its owner enables it', async ({
    listen,
    open,
  }) => {
    const receiver = await listen();
    const witness = await listen();
    const gateway = await open([receiver, witness]);
    await register(gateway, witness, { eventTypes: ['job.accepted'] });
    const { id } = await register(gateway, receiver, { eventTypes: ['job.accepted'] });
    const here = `/v1/webhook-endpoints/${id}`;
    receiver.answerNext(status(410));
    await submit(gateway);
    const failed = await deliveryWhen(gateway, `${here}/deliveries`, ({ status: now }) =>
      ['failed'].includes(now),
    );
    expect(failed.attempts).toHaveLength(1);
    expect((await ask(gateway, here)).body).toMatchObject({
      enabled: false,
      disabled: { reason: 'gone' },
    });
    const refused = await Promise.all(
      [`${here}/ping`, `/v1/deliveries/${failed.id}/redeliver`].map((path) =>
        ask(gateway, path, { method: 'POST' }),
      ),
    );
    expect(refused.map(({ status: code, body }) => [code, body.code])).toEqual(
      Array(2).fill([409, 'conflict']),
    );

    const untold = await submit(gateway);
    await witness.received(1, (call) => call.body.includes(untold));
    const enabled = await change(gateway, id, { enabled: true });
    expect(enabled.body).toMatchObject({ enabled: true });
    expect(enabled.body).not.toHaveProperty('disabled');
    const jobId = await submit(gateway);
    const [, second] = await receiver.received(2);
    expect(JSON.parse(String(second?.body)).data.jobId).toBe(jobId);
  });

  test('for as long as is allowed: the endpoint is disabled, and what is owed is cancelled', async ({
    listen,
    open,
  }) => {
    const receiver = await listen();
    const gateway = await open([receiver], { webhooks: { disableAfterDays: 0 } });
    const { id } = await register(gateway, receiver);
    const here = `/v1/webhook-endpoints/${id}`;
    receiver.answerAlways(status(500));
    await ask(gateway, `${here}/ping`, { method: 'POST' });
    await receiver.received(2);
    await ask(gateway, `${here}/ping`, { method: 'POST' });
    await deliveryWhen(gateway, `${here}/deliveries`, (each) => each.status === 'failed');
    await deliveryWhen(gateway, `${here}/deliveries`, (each) => each.status === 'cancelled');
    expect((await ask(gateway, here)).body).toMatchObject({
      enabled: false,
      disabled: { reason: 'failing' },
    });
  });

  test('by asking for patience: they get it', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver]);
    const { id } = await register(gateway, receiver);
    receiver.answerNext(status(429, { 'retry-after': '120' }));
    await ask(gateway, `/v1/webhook-endpoints/${id}/ping`, { method: 'POST' });
    const path = `/v1/webhook-endpoints/${id}/deliveries`;
    const later = await deliveryWhen(gateway, path, ({ attempts }) => attempts.length === 1);
    expect(later.status).toBe('pending');
    const pauseMs = Date.parse(later.nextAttemptAt ?? '') - (receiver.calls[0]?.receivedMs ?? 0);
    expect(pauseMs).toBeGreaterThanOrEqual(120_000);

    const now = await ask(gateway, `/v1/deliveries/${later.id}/redeliver`, { method: 'POST' });
    expect(now.status).toBe(202);
    const calls = await receiver.received(2);
    expect(calls[1]?.headers['webhook-id']).toBe(calls[0]?.headers['webhook-id']);
  });

  test('by hanging: jobs and other receivers do not wait', async ({ listen, open }) => {
    const [dead, alive] = [await listen(), await listen()];
    const gateway = await open([dead, alive]);
    dead.answerAlways(hang);
    const { id } = await register(gateway, dead);
    await register(gateway, alive);
    const jobIds = await Promise.all(Array.from({ length: 5 }, () => submit(gateway)));
    await Promise.all(jobIds.map((jobId) => gateway.ended(jobId, 10_000)));
    await alive.received(15);
    const path = `/v1/webhook-endpoints/${id}/deliveries?limit=1000`;
    const late = await deliveryWhen(gateway, path, ({ attempts }) => attempts.length > 0);
    expect(late.attempts[0]?.error).toBe('timeout');
  });

  test('by lying: what they say is kept as text, cut and without secrets', async ({
    listen,
    open,
  }) => {
    const receiver = await listen();
    const gateway = await open([receiver]);
    const { id } = await register(gateway, receiver);
    receiver.answerAlways((response) => {
      response.writeHead(400, { 'content-encoding': 'gzip', 'content-type': 'application/json' });
      response.end(`password=hunter2 ${'x'.repeat(100_000)}`);
    });
    await ask(gateway, `/v1/webhook-endpoints/${id}/ping`, { method: 'POST' });
    const path = `/v1/webhook-endpoints/${id}/deliveries`;
    const failed = await deliveryWhen(gateway, path, (each) => each.status === 'failed');
    expect(failed.attempts[0]?.excerpt).toMatch(/^password=\*\*\* x+$/);
    expect(failed.attempts[0]?.excerpt?.length).toBeLessThanOrEqual(1024);
  });

  test('a delivery that was given up is sent again on request', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver]);
    const { id } = await register(gateway, receiver);
    receiver.answerNext(status(500), status(500), status(500));
    await ask(gateway, `/v1/webhook-endpoints/${id}/ping`, { method: 'POST' });
    const path = `/v1/webhook-endpoints/${id}/deliveries`;
    const failed = await deliveryWhen(gateway, path, (each) => each.status === 'failed');
    await ask(gateway, `/v1/deliveries/${failed.id}/redeliver`, { method: 'POST' });
    const done = await deliveryWhen(gateway, path, (each) => each.status === 'delivered');
    expect([done.id, done.attempts.length]).toEqual([failed.id, 4]);
    const ids = receiver.calls.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids)).toEqual(new Set([failed.id]));
  });
});

describe('workers that die', () => {
  test('after reading: another one reads the same news, and nothing is told twice', async ({
    listen,
    open,
  }) => {
    const receiver = await listen();
    const gateway = await open([receiver], { hasWorker: false });
    await register(gateway, receiver, { eventTypes: ['job.accepted'] });
    const { redis } = gateway;
    const stream = gateway.core.records.keys.changes;
    await redis.xgroup('CREATE', stream, 'webhooks', '0', 'MKSTREAM');
    const jobId = await submit(gateway);
    const taken = await redis.xreadgroup(
      'GROUP',
      'webhooks',
      'dead',
      'COUNT',
      10,
      'STREAMS',
      stream,
      '>',
    );
    expect(JSON.stringify(taken)).toContain(jobId);

    const worker = await gateway.openWorker();
    const [call] = await receiver.received(1);
    expect(String(call?.body)).toContain(jobId);
    await vi.waitFor(async () => {
      expect((await redis.xpending(stream, 'webhooks'))[0]).toBe(0);
    });
    // The same news once more, as if the acknowledgement had been lost.
    await redis.xgroup('SETID', stream, 'webhooks', '0');
    await gateway.ended(jobId);
    await vi.waitFor(async () => {
      const [group] = (await redis.xinfo('GROUPS', stream)) as unknown[][];
      const [newest] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1);
      expect(group).toContain(newest?.[0]);
      expect((await redis.xpending(stream, 'webhooks'))[0]).toBe(0);
    }, 10_000);
    expect(receiver.calls).toHaveLength(1);
    await worker.close();
  });

  test('while sending: another one sends it again under the same id', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver], {
      hasWorker: false,
      settings: {
        egress: { allowHttp: true, allow: [receiver.host], timeoutSeconds: 20 },
      },
    });
    const { secret } = await register(gateway, receiver, { eventTypes: ['job.accepted'] });
    const { redis, storage, timing, queue, webhooks, egress } = gateway.config;
    const file = join(gateway.folder, 'pressroom.yaml');
    await writeFile(file, stringify({ redis, storage, timing, queue, webhooks, egress }));
    const start = () => startPressroom('worker', { PRESSROOM_CONFIG: file });
    receiver.answerNext(hang);

    const first = await start();
    await submit(gateway, { labels: [randomUUID()] });
    await receiver.received(1);
    first.signal('SIGKILL');
    await first.ended;
    const second = await start();
    const [before, after] = await receiver.received(2);
    expect(after?.headers['webhook-id']).toBe(before?.headers['webhook-id']);
    expect(after && verified(after, secret).type).toBe('job.accepted');
    expect(first.output() + second.output()).not.toContain(secret.slice('whsec_'.length));
    second.signal('SIGTERM');
    expect(await second.ended).toEqual({ code: 0, signal: null });
  });

  test('between record and queue: what is due is queued later', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver]);
    const { id } = await register(gateway, receiver);
    await gateway.core.deliveries.create({
      deliveryId: `${id}_orphan`,
      owner: 'anonymous',
      kind: 'endpoint',
      endpointId: id,
      url: `${receiver.url}/hook`,
      event: 'webhook.ping',
      body: '{}',
      createdMs: Date.now(),
      nextAttemptMs: Date.now(),
    });
    const [call] = await receiver.received(1);
    expect(call?.headers['webhook-id']).toBe(`${id}_orphan`);
  });
});
