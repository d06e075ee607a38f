import { createHash, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { test as base, describe, expect, vi } from 'vitest';
import { stringify } from 'yaml';
import { type Answer, ask, askJson, toForm } from '../support/asking.ts';
import { type Gateway, type GatewayOptions, openGateway } from '../support/gateway.ts';
import { startPressroom } from '../support/pressroom-process.ts';
import { hang, openReceiver, type Receiver, status, verified } from '../support/receiver.ts';

type Open = (
  receivers: Receiver[],
  options?: { settings?: Record<string, unknown>; webhooks?: Record<string, unknown> } & Pick<
    GatewayOptions,
    'hasWorker'
  >,
) => Promise<Gateway>;

const quick = { scheduleSeconds: [0, 0.05, 0.05], claimAfterSeconds: 1, progressSeconds: 60 };

const test = base.extend<{ listen: () => Promise<Receiver>; open: Open }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  listen: async ({}, use) => {
    const receivers: Receiver[] = [];
    await use(async () => {
      const receiver = await openReceiver();
      receivers.push(receiver);
      return receiver;
    });
    for (const receiver of receivers) await receiver.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  open: async ({}, use) => {
    const gateways: Gateway[] = [];
    await use(async (receivers, { settings = {}, webhooks = {}, ...options } = {}) => {
      const gateway = await openGateway({
        sites: {},
        settings: {
          conformanceEcho: true,
          egress: { allowHttp: true, allow: receivers.map(({ host }) => host), timeoutSeconds: 1 },
          webhooks: { ...quick, ...webhooks },
          queue: { lockSeconds: 2, stalledCheckSeconds: 1, sweepSeconds: 1 },
          http: { publicUrl: 'https://publish.example.org' },
          ...settings,
        },
        ...options,
      });
      gateways.push(gateway);
      return gateway;
    });
    for (const gateway of gateways) await gateway.close();
  },
});

type Endpoint = Answer['body'] & { id: string; secret: string };

async function register(
  gateway: Gateway,
  receiver: Receiver,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Endpoint> {
  const settings = { url: `${receiver.url}/hook`, ...more };
  const answer = await askJson(gateway, '/v1/webhook-endpoints', settings, headers);
  expect(answer.status).toBe(201);
  return answer.body as Endpoint;
}

/** A job that begins at once where there is a worker. */
async function submit(
  gateway: Gateway,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<string> {
  const answer = await askJson(
    gateway,
    '/v1/processes/echo/execution',
    { inputs: { echo: 'hello' }, ...more },
    { prefer: 'respond-async', ...headers },
  );
  expect(answer.status).toBe(201);
  return answer.body.jobID;
}

type Delivery = {
  id: string;
  kind: string;
  url: string;
  event: string;
  status: string;
  nextAttemptAt?: string;
  attempts: { httpStatus?: number; error?: string; excerpt?: string; startedAt: string }[];
};

async function deliveriesAt(gateway: Gateway, path: string): Promise<Delivery[]> {
  const { status: code, body } = await ask(gateway, path);
  expect(code).toBe(200);
  return body.deliveries as Delivery[];
}

/** The one delivery that fits, once it is as wanted. */
async function deliveryWhen(
  gateway: Gateway,
  path: string,
  fits: (delivery: Delivery) => boolean,
): Promise<Delivery> {
  return vi.waitFor(
    async () => {
      const found = (await deliveriesAt(gateway, path)).find(fits);
      if (!found) throw new Error('not yet');
      return found;
    },
    { timeout: 15_000, interval: 50 },
  );
}

const typeOf = (body: Record<string, unknown>) => body.type;

describe('what endpoints are told', () => {
  test('a job from its acceptance to its end, signed', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver]);
    const { secret } = await register(gateway, receiver);
    const jobId = await submit(gateway, { labels: ['nächtlich 🛰'], reference: 'build-7' });
    const bodies = (await receiver.received(3)).map((call) => verified(call, secret));
    expect(bodies.map(typeOf).sort()).toEqual(['job.accepted', 'job.started', 'job.successful']);
    const accepted = bodies.find(({ type }) => type === 'job.accepted');
    expect(accepted?.data).toEqual({
      jobId,
      processID: 'echo',
      status: 'accepted',
      rev: 1,
      labels: ['nächtlich 🛰'],
      reference: 'build-7',
      href: `https://publish.example.org/v1/jobs/${jobId}`,
    });
    for (const { headers } of receiver.calls) {
      expect(headers['content-type']).toBe('application/json');
      expect(headers['webhook-id']).toContain(jobId);
      expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(30);
    }
    const done = await deliveryWhen(
      gateway,
      `/v1/jobs/${jobId}/deliveries?status=delivered`,
      ({ event }) => event === 'job.successful',
    );
    expect(done).toMatchObject({
      kind: 'endpoint',
      url: `${receiver.url}/hook`,
      attempts: [{ httpStatus: 204, durationMs: expect.any(Number) }],
    });
  });

  test('only what they asked for', async ({ listen, open }) => {
    const [all, some] = [await listen(), await listen()];
    const gateway = await open([all, some]);
    await register(gateway, all);
    await register(gateway, some, { eventTypes: ['job.successful'], labels: ['roads'] });
    await register(gateway, some, { eventTypes: ['job.successful'], sites: ['demo'] });
    await register(gateway, some, { eventTypes: ['job.failed'] });
    await submit(gateway, { labels: ['rivers'] });
    const wanted = await submit(gateway, { labels: ['roads'] });
    await all.received(6);
    const [call] = await some.received(1);
    expect(JSON.parse(String(call?.body))).toMatchObject({
      type: 'job.successful',
      data: { jobId: wanted },
    });
    expect(some.calls).toHaveLength(1);
  });

  test('progress only who asked for it, and not too often', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver], { hasWorker: true });
    await register(gateway, receiver, { eventTypes: ['job.progressed', 'job.dismissed'] });
    const jobId = await submit(gateway, { inputs: { echo: 'a', pause: 50 } });
    const { attempt } = await gateway.until(jobId, ({ status: now }) => now === 'running');
    for (const progress of [10, 20, 30]) {
      await gateway.core.records.change(jobId, attempt, 'progress', { progress });
    }
    await ask(gateway, `/v1/jobs/${jobId}`, { method: 'DELETE' });
    const calls = await receiver.received(2);
    const types = calls.map(({ body }) => JSON.parse(String(body)).type);
    expect(types.sort()).toEqual(['job.dismissed', 'job.progressed']);
  });

  test('a ping, on request', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver]);
    const { id, secret } = await register(gateway, receiver, { eventTypes: ['job.failed'] });
    const answer = await ask(gateway, `/v1/webhook-endpoints/${id}/ping`, { method: 'POST' });
    expect([answer.status, answer.body.status]).toEqual([202, 'pending']);
    const [call] = await receiver.received(1);
    expect(call && verified(call, secret)).toMatchObject({
      type: 'webhook.ping',
      data: { endpointId: id },
    });
    expect(call?.headers['webhook-id']).toBe(answer.body.id);
  });
});

describe('secrets', () => {
  test('during a change both verify, afterwards the new one only', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver]);
    const { id, secret: old } = await register(gateway, receiver);
    const here = `/v1/webhook-endpoints/${id}`;
    const rotated = await ask(gateway, `${here}/rotate-secret`, { method: 'POST' });
    const { secret, oldSecretUntil } = rotated.body as Endpoint & { oldSecretUntil: string };
    expect(rotated.headers.get('cache-control')).toBe('no-store');
    expect(Date.parse(oldSecretUntil) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    expect(secret).not.toBe(old);

    await ask(gateway, `${here}/ping`, { method: 'POST' });
    const [during] = await receiver.received(1);
    if (!during) throw new Error('received() lied');
    expect([verified(during, secret).type, verified(during, old).type]).toEqual([
      'webhook.ping',
      'webhook.ping',
    ]);

    await gateway.core.webhookEndpoints.change(id, { oldSecretUntilMs: Date.now() - 1 });
    await ask(gateway, `${here}/ping`, { method: 'POST' });
    const [, after] = await receiver.received(2);
    if (!after) throw new Error('received() lied');
    expect(verified(after, secret).type).toBe('webhook.ping');
    expect(() => verified(after, old)).toThrow('No matching signature');
  });

  test('are shown once and lie nowhere in clear', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver]);
    const { id, secret } = await register(gateway, receiver);
    const { body: subscriberSecret } = await ask(
      gateway,
      '/v1/webhook-endpoints/subscriber-secret',
    );
    await submit(gateway, { subscriber: { successUri: `${receiver.url}/ok` } });
    await receiver.received(4);
    const answers = await Promise.all(
      ['', `/${id}`, `/${id}/deliveries`].map((path) =>
        ask(gateway, `/v1/webhook-endpoints${path}`),
      ),
    );
    const shown = JSON.stringify(answers.map(({ body }) => body));
    const kept = await dump(gateway);
    expect(kept).toContain(id); // the dump sees what there is
    for (const each of [secret, String(subscriberSecret.secret)]) {
      const bare = each.slice('whsec_'.length);
      expect(bare.length).toBeGreaterThan(30);
      expect(shown).not.toContain(bare);
      expect(kept).not.toContain(bare);
    }
  });
});

/** Everything below the gateway's prefix in Redis, BullMQ's keys too. */
async function dump({ redis, config }: Gateway): Promise<string> {
  const parts: string[] = [];
  for (const key of await redis.keys(`${config.redis.prefix}:*`)) {
    const kind = await redis.type(key);
    parts.push(key);
    if (kind === 'hash') parts.push(JSON.stringify(await redis.hgetall(key)));
    if (kind === 'string') parts.push((await redis.get(key)) ?? '');
    if (kind === 'list') parts.push(JSON.stringify(await redis.lrange(key, 0, -1)));
    if (kind === 'stream') parts.push(JSON.stringify(await redis.xrange(key, '-', '+')));
  }
  return parts.join('\n');
}

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

function change(gateway: Gateway, id: string, settings: Record<string, unknown>): Promise<Answer> {
  return ask(gateway, `/v1/webhook-endpoints/${id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  });
}

describe('subscribers of an execution', () => {
  test('get the results, or the status', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver]);
    const subscriber = {
      successUri: `${receiver.url}/ok`,
      inProgressUri: `${receiver.url}/running`,
      failedUri: `${receiver.url}/failed`,
    };
    const { body } = await ask(gateway, '/v1/webhook-endpoints/subscriber-secret');
    const secret = String(body.secret);

    await submit(gateway, { subscriber });
    const [success] = await receiver.received(1, ({ path }) => path === '/ok');
    expect(success && verified(success, secret)).toEqual({ echo: 'hello' });

    const dismissed = await submit(gateway, { inputs: { pause: 50 }, subscriber });
    await gateway.until(dismissed, ({ status: now }) => now === 'running');
    const [running] = await receiver.received(
      1,
      (call) => call.path === '/running' && String(call.body).includes(dismissed),
    );
    expect(running && verified(running, secret)).toMatchObject({
      status: 'running',
      type: 'process',
    });
    await ask(gateway, `/v1/jobs/${dismissed}`, { method: 'DELETE' });
    const [failed] = await receiver.received(1, ({ path }) => path === '/failed');
    expect(failed && verified(failed, secret)).toMatchObject({
      jobID: dismissed,
      status: 'dismissed',
    });
    const told = await deliveriesAt(gateway, `/v1/jobs/${dismissed}/deliveries`);
    expect(told.map(({ kind }) => kind)).toContain('subscriber');
  });

  test('may come as a part of a form', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver]);
    const form = toForm([
      ['echo', 'hello'],
      ['subscriber', JSON.stringify({ successUri: `${receiver.url}/ok` })],
    ]);
    const answer = await ask(gateway, '/v1/processes/echo/execution', {
      method: 'POST',
      body: form,
      headers: { prefer: 'respond-async' },
    });
    expect(answer.status).toBe(201);
    const [call] = await receiver.received(1);
    expect(JSON.parse(String(call?.body))).toEqual({ echo: 'hello' });
  });

  test('stay with a job that is retried', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver], { hasWorker: false });
    const subscriber = { successUri: `${receiver.url}/ok` };
    const first = await submit(gateway, { subscriber });
    await ask(gateway, `/v1/jobs/${first}`, { method: 'DELETE' });
    const { status: code, body } = await ask(gateway, `/v1/jobs/${first}/retry`, {
      method: 'POST',
    });
    expect(code).toBe(201);
    expect(await gateway.core.records.find(body.jobID)).toMatchObject({
      retryOf: first,
      subscriber,
    });
  });

  test('inside are refused where the request is made, and nothing is accepted', async ({
    listen,
    open,
  }) => {
    const receiver = await listen();
    const gateway = await open([receiver], { hasWorker: false });
    const subscriber = {
      successUri: 'https://127.0.0.1/',
      inProgressUri: `${receiver.url}/ok`,
      failedUri: 'not an address',
    };
    const { status: code, body } = await askJson(
      gateway,
      '/v1/processes/echo/execution',
      { inputs: {}, subscriber },
      { prefer: 'respond-async' },
    );
    expect([code, body.code]).toEqual([400, 'validation_error']);
    expect((body.errors as { pointer: string }[]).map(({ pointer }) => pointer)).toEqual([
      '#/subscriber/successUri',
      '#/subscriber/failedUri',
    ]);
    expect((await ask(gateway, '/v1/jobs')).body.jobs).toEqual([]);
  });

  test('need a job to hear of', async ({ open }) => {
    const gateway = await open([], { hasWorker: false });
    const { status: code, body } = await askJson(gateway, '/v1/processes/echo/execution', {
      inputs: {},
      subscriber: { successUri: 'https://hooks.example.com/' },
    });
    expect([code, body.errors]).toEqual([
      400,
      [expect.objectContaining({ pointer: '#/subscriber' })],
    ]);
  });

  test('the class is claimed', async ({ open }) => {
    const { body } = await ask(await open([], { hasWorker: false }), '/v1/conformance');
    expect(body.conformsTo).toContain(
      'http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/callback',
    );
  });
});

describe('endpoints', () => {
  test('are read, changed and deleted', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver], { hasWorker: false });
    const made = await askJson(gateway, '/v1/webhook-endpoints', {
      url: `${receiver.url}/hook`,
      labels: ['roads'],
      description: 'CI',
    });
    const { id, secret, ...shown } = made.body as Endpoint;
    expect(made.headers.get('location')).toBe(`${gateway.url}/v1/webhook-endpoints/${id}`);
    expect(made.headers.get('cache-control')).toBe('no-store');
    expect(() => new Webhook(secret)).not.toThrow();
    expect(shown).toMatchObject({ enabled: true, labels: ['roads'], description: 'CI' });
    expect(shown.eventTypes).not.toContain('job.progressed');
    const here = `/v1/webhook-endpoints/${id}`;
    expect((await ask(gateway, here)).body).toEqual({ id, ...shown });
    expect((await ask(gateway, '/v1/webhook-endpoints')).body.webhookEndpoints).toEqual([
      { id, ...shown },
    ]);

    const changed = await change(gateway, id, { labels: null, eventTypes: ['job.failed'] });
    expect(changed.body).toMatchObject({ eventTypes: ['job.failed'], description: 'CI' });
    expect(changed.body).not.toHaveProperty('labels');
    const off = await change(gateway, id, { enabled: false });
    expect(off.body).toMatchObject({ enabled: false, disabled: { reason: 'by-owner' } });

    expect((await ask(gateway, here, { method: 'DELETE' })).status).toBe(204);
    expect((await ask(gateway, here)).status).toBe(404);
    expect(await dump(gateway)).not.toContain(id);
  });

  test.each([
    [{ url: 'https://localhost/' }, 'destination_not_allowed', '#/url'],
    [{ url: 'http://169.254.169.254/latest' }, 'destination_not_allowed', '#/url'],
    [{ url: 'https://[::ffff:10.0.0.1]/' }, 'destination_not_allowed', '#/url'],
    [{}, 'validation_error', '#/url'],
    [{ url: 'https://1.1.1.1/', eventTypes: [] }, 'validation_error', '#/eventTypes'],
    [{ url: 'https://1.1.1.1/', eventTypes: ['job.eaten'] }, 'validation_error', '#/eventTypes/0'],
    [{ url: 'https://1.1.1.1/', secret: 'mine' }, 'validation_error', '#/secret'],
    [{ url: 'https://1.1.1.1/', owner: 'other' }, 'validation_error', '#/owner'],
  ])('%j is refused', async (settings, code, pointer) => {
    const gateway = await openGateway({ sites: {}, hasWorker: false });
    const answer = await askJson(gateway, '/v1/webhook-endpoints', settings);
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect(answer.body.errors).toMatchObject([{ pointer }]);
    const changed = await askJson(gateway, '/v1/webhook-endpoints', settings);
    expect(changed.status).toBe(400);
    await gateway.close();
  });

  test('a change may not lead inside either', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver], { hasWorker: false });
    const { id } = await register(gateway, receiver);
    const { status: code, body } = await change(gateway, id, { url: 'https://10.0.0.1/' });
    expect([code, body.code]).toEqual([400, 'destination_not_allowed']);
    expect(JSON.stringify(body)).not.toContain('10.0.0.1');
    expect((await ask(gateway, `/v1/webhook-endpoints/${id}`)).body.url).toBe(
      `${receiver.url}/hook`,
    );
  });

  test('are limited in number', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver], { hasWorker: false });
    for (let made = 0; made < 20; made += 1) await register(gateway, receiver);
    const settings = { url: receiver.url };
    const refused = await askJson(gateway, '/v1/webhook-endpoints', settings);
    expect([refused.status, refused.body.code]).toEqual([409, 'conflict']);
  });

  test('belong to their owner alone', async ({ listen, open }) => {
    const receiver = await listen();
    const apiKeys = ['alice', 'bob', 'mallory'].map((id) => ({
      id,
      sha256: createHash('sha256').update(`key-of-${id}`).digest('hex'),
      scopes: id === 'mallory' ? ['jobs:read:all', 'publish:create'] : ['webhooks:manage'],
    }));
    const gateway = await open([receiver], { settings: { apiKeys } });
    const [alice, bob, mallory] = ['alice', 'bob', 'mallory'].map((id) => ({
      'x-api-key': `key-of-${id}`,
    }));
    const { id } = await register(gateway, receiver, {}, alice);
    const jobId = await submit(gateway, {}, alice);
    const bobsJob = await submit(gateway, {}, bob);
    const calls = await receiver.received(3);
    await gateway.ended(bobsJob);
    expect(calls.filter(({ body }) => String(body).includes(bobsJob))).toEqual([]);
    const deliveryId = String(calls[0]?.headers['webhook-id']);

    const requests: [string, string][] = [
      ['GET', `/v1/webhook-endpoints/${id}`],
      ['PATCH', `/v1/webhook-endpoints/${id}`],
      ['DELETE', `/v1/webhook-endpoints/${id}`],
      ['POST', `/v1/webhook-endpoints/${id}/rotate-secret`],
      ['POST', `/v1/webhook-endpoints/${id}/ping`],
      ['GET', `/v1/webhook-endpoints/${id}/deliveries`],
      ['POST', `/v1/deliveries/${deliveryId}/redeliver`],
    ];
    for (const [method, path] of requests) {
      const asBob = await ask(gateway, path, { method, ...(bob && { headers: bob }) });
      expect([method, path, asBob.status]).toEqual([method, path, 404]);
      const withoutScope = await ask(gateway, path, {
        method,
        ...(mallory && { headers: mallory }),
      });
      expect([method, path, withoutScope.status]).toEqual([method, path, 403]);
      expect((await ask(gateway, path, { method })).status).toBe(401);
    }
    const ofJob = `/v1/jobs/${jobId}/deliveries`;
    const seen = async (headers: Record<string, string> | undefined) =>
      (await ask(gateway, ofJob, headers ? { headers } : {})).status;
    expect([await seen(alice), await seen(bob), await seen(mallory)]).toEqual([200, 404, 404]);
    const lists = await ask(gateway, '/v1/webhook-endpoints', bob ? { headers: bob } : {});
    expect(lists.body.webhookEndpoints).toEqual([]);
    const secretOf = async (headers: Record<string, string> | undefined) =>
      (await ask(gateway, '/v1/webhook-endpoints/subscriber-secret', headers ? { headers } : {}))
        .body.secret;
    expect(await secretOf(alice)).not.toBe(await secretOf(bob));
  });

  test('list their deliveries in pages, newest first', async ({ listen, open }) => {
    const receiver = await listen();
    const gateway = await open([receiver]);
    const { id } = await register(gateway, receiver);
    const pings: unknown[] = [];
    for (let made = 0; made < 5; made += 1) {
      const ping = await ask(gateway, `/v1/webhook-endpoints/${id}/ping`, { method: 'POST' });
      pings.unshift(ping.body.id);
    }
    await receiver.received(5);
    const found: unknown[] = [];
    let next: string | undefined = `/v1/webhook-endpoints/${id}/deliveries?limit=2`;
    while (next !== undefined) {
      const { body }: Answer = await ask(gateway, next);
      found.push(...(body.deliveries as Delivery[]).map((delivery) => delivery.id));
      next = body.links.find(({ rel }) => rel === 'next')?.href;
    }
    expect(found).toEqual(pings);
    const none = await deliveriesAt(
      gateway,
      `/v1/webhook-endpoints/${id}/deliveries?status=failed`,
    );
    expect(none).toEqual([]);
    for (const query of ['status=eaten', 'cursor=nothing', 'limit=0']) {
      const path = `/v1/webhook-endpoints/${id}/deliveries?${query}`;
      expect((await ask(gateway, path)).status).toBe(400);
    }
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
