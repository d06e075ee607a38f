import { describe, expect } from 'vitest';
import { ask } from '../support/asking.ts';
import { verified } from '../support/receiver.ts';
import {
  deliveryWhen,
  dump,
  type Endpoint,
  register,
  submit,
  test,
  typeOf,
} from '../support/webhook-test.ts';

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
