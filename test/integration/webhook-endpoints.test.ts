import { createHash } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect } from 'vitest';
import { type Answer, ask, askJson } from '../support/asking.ts';
import { openGateway } from '../support/gateway.ts';
import {
  change,
  type Delivery,
  deliveriesAt,
  dump,
  type Endpoint,
  register,
  submit,
  test,
} from '../support/webhook-test.ts';

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
