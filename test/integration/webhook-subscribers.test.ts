import { describe, expect } from 'vitest';
import { ask, askJson, toForm } from '../support/asking.ts';
import { verified } from '../support/receiver.ts';
import { deliveriesAt, submit, test } from '../support/webhook-test.ts';

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
