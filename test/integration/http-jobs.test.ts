import { openAsBlob } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RequestError } from '../../src/lib/errors.ts';
import { toProblem } from '../../src/lib/problem.ts';
import { type Answer, ask, askJson, publishing, toForm } from '../support/asking.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';

const site = { url: 'http://127.0.0.1:9', username: 'publisher', password: 'unused' };
const echo = '/v1/processes/echo/execution';

let gateway: Gateway;

beforeAll(async () => {
  gateway = await openGateway({
    sites: { demo: site },
    hasWorker: false,
    settings: { conformanceEcho: true },
  });
});
afterAll(() => gateway.close());

async function accept(extra: object = {}): Promise<string> {
  const { body } = await askJson(
    gateway,
    echo,
    { inputs: { echo: 'a' }, ...extra },
    { prefer: 'respond-async' },
  );
  return body.jobID;
}

type Change = Parameters<Gateway['core']['records']['change']>[3];

/** Plays the worker: begins the job, and writes what it is told. */
async function work(jobId: string, ...changes: Change[]): Promise<void> {
  const { records } = gateway.core;
  const attempt = (await records.begin(jobId, 'test')) ?? 0;
  for (const change of changes) await records.change(jobId, attempt, 'test', change);
}

const refusal = toProblem(new RequestError('service_exists', 'There is a service of this name.'));
const path = (jobId: string) => `/v1/jobs/${jobId}`;
const idsOf = ({ body }: Answer) => (body.jobs as { jobID: string }[]).map(({ jobID }) => jobID);

describe('status', () => {
  test('goes forward, with times that follow one another', async () => {
    const jobId = await accept();
    expect((await ask(gateway, path(jobId))).body).not.toHaveProperty('started');
    await work(jobId, { progress: 40, message: 'Uploading', step: 'upload' });
    const running = (await ask(gateway, path(jobId))).body;
    expect(running).toMatchObject({
      status: 'running',
      progress: 40,
      message: 'Uploading',
      step: 'upload',
      attempt: 1,
    });
    expect(running).not.toHaveProperty('finished');
    await work(jobId, { status: 'successful', results: { echo: 'a' }, warnings: ['mind the gap'] });
    const { body } = await ask(gateway, path(jobId));
    expect(body).toMatchObject({ status: 'successful', progress: 100, warnings: ['mind the gap'] });
    const [created, started, finished] = [body.created, body.started, body.finished].map(String);
    expect([created, started, finished]).toEqual([created, started, finished].sort());
  });

  test('is not sent again while nothing changes', async () => {
    const jobId = await accept();
    await work(jobId, { progress: 10 });
    const first = await fetch(gateway.url + path(jobId));
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^W\/"\d+"$/);
    for (const tag of [etag, etag.slice(2), `"x", ${etag}`, '*']) {
      const again = await fetch(gateway.url + path(jobId), { headers: { 'if-none-match': tag } });
      expect([again.status, await again.text()]).toEqual([304, '']);
      expect(again.headers.get('etag')).toBe(etag);
      expect(again.headers.get('cache-control')).toBe('private, no-cache');
      expect(again.headers.get('vary')).toContain('Accept');
    }
    await gateway.core.records.change(jobId, 1, 'test', { progress: 20 });
    const changed = await ask(gateway, path(jobId), { headers: { 'if-none-match': etag } });
    expect([changed.status, changed.body.progress]).toEqual([200, 20]);
  });

  test('answers HEAD as GET, without the body', async () => {
    const response = await fetch(gateway.url + path(await accept()), { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(100);
  });

  test('tells why the job waits', async () => {
    const [first, second] = [await accept(), await accept()];
    const places = await Promise.all(
      [first, second].map(async (id) => (await ask(gateway, path(id))).body.waitingFor),
    );
    const [one, two] = places as { reason: string; place: number }[];
    expect(one?.reason).toBe('slot');
    expect(two?.place).toBe((one?.place ?? 0) + 1);
    const untilMs = Date.now() + 60_000;
    await gateway.core.records.park(first, {
      reason: 'site',
      untilMs,
      detail: 'The site is read-only.',
    });
    expect((await ask(gateway, path(first))).body.waitingFor).toEqual({
      reason: 'site',
      until: new Date(untilMs).toISOString(),
      detail: 'The site is read-only.',
    });
  });
});

describe('results', () => {
  test('of a failed job are its problem', async () => {
    const jobId = await accept();
    await work(jobId, { status: 'failed', exception: refusal });
    const results = await ask(gateway, `${path(jobId)}/results`);
    expect([results.status, results.headers.get('content-type')]).toEqual([
      409,
      'application/problem+json',
    ]);
    expect(results.body).toMatchObject({
      code: 'service_exists',
      type: `${gateway.url}/problems/service-exists`,
    });
    const { body, status } = await ask(gateway, path(jobId));
    expect([status, body.exception]).toEqual([200, results.body]);
  });

  test('come as they were asked for', async () => {
    const jobId = await accept({ outputs: { numbers: {} }, response: 'raw' });
    await work(jobId, { status: 'successful', results: { echo: 'a', numbers: [1, 2] } });
    expect((await ask(gateway, `${path(jobId)}/results`)).body).toEqual([1, 2]);
  });
});

describe('DELETE', () => {
  test('dismisses a job that waits, then removes it', async () => {
    const jobId = await accept();
    const dismissed = await ask(gateway, path(jobId), { method: 'DELETE' });
    expect(dismissed.body).toMatchObject({ status: 'dismissed', undo: 'nothing-to-do' });
    expect((await ask(gateway, path(jobId))).status).toBe(200);
    expect((await ask(gateway, path(jobId), { method: 'DELETE' })).status).toBe(200);
    expect((await ask(gateway, path(jobId))).status).toBe(404);
    const again = await ask(gateway, path(jobId), { method: 'DELETE' });
    expect([again.status, again.body.code]).toEqual([410, 'gone']);
  });

  test('leaves a job alone that is being put back', async () => {
    const jobId = await accept();
    await work(jobId, { progress: 50 });
    const first = await ask(gateway, path(jobId), { method: 'DELETE' });
    expect(first.body).toMatchObject({ status: 'dismissed', undo: 'pending' });
    const again = await ask(gateway, path(jobId), { method: 'DELETE' });
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect((await ask(gateway, path(jobId))).status).toBe(200);
  });
});

describe('list', () => {
  let label: string;
  let ids: string[];

  beforeEach(async () => {
    label = `l${Math.random().toString(36).slice(2)}`;
    ids = [];
    for (let index = 0; index < 5; index += 1) {
      ids.unshift(await accept({ labels: [label], reference: `${label}-${index}` }));
    }
  });

  test('shows every job exactly once from page to page', async () => {
    const seen: string[] = [];
    let next: string | undefined = `/v1/jobs?limit=2&label=${label}`;
    while (next) {
      const page = await ask(gateway, next);
      expect(idsOf(page).length).toBeLessThanOrEqual(2);
      seen.push(...idsOf(page));
      next = page.body.links.find(({ rel }) => rel === 'next')?.href;
      expect(page.headers.get('link')).toBe(next ? `<${next}>; rel="next"` : null);
    }
    expect(seen).toEqual(ids);
  });

  test.each([
    ['status=failed,dismissed', [3]],
    ['status=failed&status=successful', [1, 3]],
    ['minDuration=0&maxDuration=60', [0, 1, 3]],
    ['minDuration=3600', []],
    ['datetime=../2020-01-01T00:00:00Z', []],
    ['datetime=2020-01-01T00:00:00Z/..', [0, 1, 2, 3, 4]],
    ['type=process&processID=echo', [0, 1, 2, 3, 4]],
    ['processID=publish-service-definition', []],
    ['site=demo', []],
  ])('narrows by %s', async (filter, expected) => {
    const [running = '', successful = '', , failed = ''] = ids;
    await work(running, { progress: 5 });
    await work(successful, { status: 'successful', results: {} });
    await work(failed, { status: 'failed', exception: refusal });
    const found = idsOf(await ask(gateway, `/v1/jobs?label=${label}&${filter}`));
    expect(found).toEqual(expected.map((index) => ids[index]));
  });

  test('finds a job by its reference', async () => {
    expect(idsOf(await ask(gateway, `/v1/jobs?reference=${label}-4`))).toEqual([ids[0]]);
  });

  test('counts more than the highest limit as the highest', async () => {
    const { status, body } = await ask(gateway, `/v1/jobs?limit=100000&label=${label}`);
    expect([status, (body.jobs as unknown[]).length]).toEqual([200, 5]);
  });

  test.each([
    'limit=0',
    'limit=-1',
    'limit=x',
    'status=lost',
    'type=other',
    'datetime=yesterday',
    'datetime=../..',
    'minDuration=x',
    'color=red',
  ])('refuses %s', async (query) => {
    const { status, body } = await ask(gateway, `/v1/jobs?${query}`);
    expect([status, body.code]).toEqual([400, 'invalid_parameter']);
    expect(body.errors).toMatchObject([{ parameter: query.split('=')[0] }]);
  });

  test('refuses a cursor of another list', async () => {
    const page = await ask(gateway, `/v1/jobs?limit=2&label=${label}`);
    const next = new URL(page.body.links.find(({ rel }) => rel === 'next')?.href ?? '');
    next.searchParams.set('label', 'other');
    const { status, body } = await ask(gateway, next.href);
    expect([status, body.code]).toEqual([400, 'invalid_cursor']);
  });
});

test('shows the messages of a job page by page', async () => {
  const jobId = await accept();
  for (const message of ['one', 'two', 'three']) {
    const entry = {
      time: new Date().toISOString(),
      level: 'info',
      source: 'gateway',
      attempt: 1,
      message,
    };
    await gateway.core.records.appendLog(jobId, entry);
  }
  const first = await ask(gateway, `${path(jobId)}/log?limit=2`);
  const next = first.body.links.find(({ rel }) => rel === 'next')?.href ?? '';
  const second = await ask(gateway, next);
  const said = [first, second].map(({ body }) =>
    (body.entries as { message: string }[]).map(({ message }) => message),
  );
  expect(said).toEqual([['one', 'two'], ['three']]);
  expect(second.body.links.map(({ rel }) => rel)).toEqual(['self']);
});

describe('retry', () => {
  async function publish(): Promise<string> {
    const file = await openAsBlob(await gateway.build());
    const form = toForm([
      ['site', 'demo'],
      ['folder', 'Transport'],
      ['serviceDefinition', file, 'roads.sd'],
      ['labels', 'nightly'],
    ]);
    return (await ask(gateway, publishing, { method: 'POST', body: form })).body.jobID;
  }

  test('makes a new job of a failed one, with what shall be different', async () => {
    const jobId = await publish();
    await work(jobId, { status: 'failed', exception: refusal });
    const { status, body } = await askJson(gateway, `${path(jobId)}/retry`, {
      inputs: { ifExists: 'replace' },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ status: 'accepted', retryOf: jobId, labels: ['nightly'] });
    const [first, second] = await gateway.core.records.findMany([jobId, body.jobID]);
    expect(second?.params).toEqual({ ...(first?.params as object), ifExists: 'replace' });
  });

  test('needs no body', async () => {
    const jobId = await publish();
    await ask(gateway, path(jobId), { method: 'DELETE' });
    expect((await ask(gateway, `${path(jobId)}/retry`, { method: 'POST' })).status).toBe(201);
  });

  test('says which file is gone', async () => {
    const jobId = await publish();
    await work(jobId, { status: 'failed', exception: refusal });
    const record = await gateway.core.records.find(jobId);
    await gateway.core.uploads.remove(record?.uploads[0] ?? '');
    const { status, body } = await askJson(gateway, `${path(jobId)}/retry`, {});
    expect([status, body.errors]).toMatchObject([409, [{ pointer: '#/inputs/serviceDefinition' }]]);
  });

  test('is refused for a job that goes on, or went well', async () => {
    const jobId = await publish();
    expect((await askJson(gateway, `${path(jobId)}/retry`, {})).status).toBe(409);
    await work(jobId, { status: 'successful', results: {} });
    expect((await askJson(gateway, `${path(jobId)}/retry`, {})).body.code).toBe('conflict');
  });
});
