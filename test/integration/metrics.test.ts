import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { stringify } from 'yaml';
import { findFreePort, openOwnRedisAt } from '../../src/lib/own-redis.ts';
import { ask, askJson, publishing } from '../support/asking.ts';
import { findValue, parseMetrics, type Sample } from '../support/metrics-text.ts';
import { startPressroom } from '../support/pressroom-process.ts';
import { test } from '../support/publishing-test.ts';

async function scrape(root: string): Promise<Sample[]> {
  const response = await fetch(`${root}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return parseMetrics(await response.text());
}

/** What is told whatever happened before. */
const always =
  `http_requests_in_flight sse_clients upload_bytes_total uploads_open build_info redis_up
  disk_free_bytes queue_jobs queue_oldest_waiting_seconds webhook_backlog webhook_endpoints_disabled
  site_circuit_open redis_command_duration_seconds_count upload_duration_seconds_count`
    .split(/\s+/)
    .map((name) => `pressroom_${name}`);

test('a published definition shows in every number that it touches', async ({ openSite, open }) => {
  const site = await openSite({ publishMs: 300 });
  const gateway = await open(site, { settings: { queue: { siteReadSeconds: 1 } } });
  const definition = await gateway.build();
  const key = { 'idempotency-key': 'the-same-request-twice' };

  const { body } = await gateway.publish(definition, { site: 'demo' }, key);
  const repeated = await gateway.publish(definition, { site: 'demo' }, key);
  await gateway.ended(body.jobID);
  await ask(gateway, '/v1/jobs/nothing?with=4711');
  const samples = await scrape(gateway.url);

  expect(repeated.body.jobID).toBe(body.jobID);
  const kind = { processID: 'publish-service-definition', site: 'demo' };
  const names = new Set(samples.map(({ name }) => name));
  expect(always.filter((name) => !names.has(name))).toEqual([]);
  const seen = (name: string, labels: Record<string, string> = {}) =>
    findValue(samples, `pressroom_${name}`, labels);
  expect({
    created: seen('jobs_created_total', kind),
    finished: seen('jobs_finished_total', { ...kind, status: 'successful' }),
    attempts: seen('job_attempts_total', { ...kind, reason: 'ended' }),
    waited: seen('job_wait_seconds_count', kind),
    duration: seen('job_duration_seconds_count', { ...kind, status: 'successful' }),
    steps: seen('job_step_duration_seconds_count', { ...kind, step: 'upload' }),
    new: seen('idempotency_total', { outcome: 'new' }),
    replay: seen('idempotency_total', { outcome: 'replay' }),
    uploads: seen('upload_duration_seconds_count'),
    open: seen('uploads_open'),
    up: seen('site_up', { site: 'demo' }),
    slots: seen('site_concurrency_limit', { site: 'demo' }),
    active: seen('queue_jobs', { queue: 'site-demo', state: 'active' }),
    oldest: seen('queue_oldest_waiting_seconds', { queue: 'site-demo' }),
    redis: seen('redis_up'),
  }).toEqual({
    created: 1,
    finished: 1,
    attempts: 1,
    waited: 1,
    duration: 1,
    steps: 1,
    new: 1,
    replay: 1,
    uploads: 2,
    open: 0,
    up: 1,
    slots: 2,
    active: 0,
    oldest: 0,
    redis: 1,
  });
  const createdRequests = { method: 'POST', route: publishing, status: '201' };
  expect(seen('http_requests_total', createdRequests)).toBe(2);
  expect(seen('http_requests_total', { route: '/v1/jobs/:jobId', status: '400' })).toBe(1);
  const submitting = 'rest/services/System/PublishingTools/GPServer/{}/submitJob';
  const submits = { site: 'demo', operation: submitting, outcome: 'answered' };
  expect(seen('site_requests_total', submits)).toBe(1);
  expect(seen('upload_bytes_total')).toBeGreaterThan(0);
  expect(seen('queue_last_finished_timestamp_seconds', { queue: 'site-demo' })).toBeGreaterThan(
    Date.now() / 1000 - 60,
  );
});

test('labels do not grow with jobs, addresses or whatever callers think of', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ publishMs: 1 });
  const gateway = await open(site, { hasWorker: false });
  const series = async () =>
    (await scrape(gateway.url)).filter(
      ({ name, labels }) => name.startsWith('pressroom_') && labels.route !== '/metrics',
    );
  const visit = async (id: string) => {
    const { body } = await gateway.publish(await gateway.build(), { site: 'demo', folder: id });
    await ask(gateway, `/v1/jobs/${body.jobID}`);
    await ask(gateway, `/v1/jobs/${body.jobID}`, { method: 'DELETE' });
    await ask(gateway, `/v1/uploads/${id}`);
    await ask(gateway, `/no/such/place/${id}`);
    await fetch(`${gateway.url}/v1/jobs`, { method: 'PROPFIND' });
    return body.jobID;
  };
  const first = await visit('zanzibar');
  const before = await series();

  const second = await visit('timbuktu');
  const after = await series();

  const identities = (samples: Sample[]) =>
    samples.map(({ name, labels }) => JSON.stringify([name, labels])).sort();
  expect(identities(after)).toEqual(identities(before));
  const text = JSON.stringify(identities(after));
  expect([first, second, 'timbuktu', gateway.url].filter((word) => text.includes(word))).toEqual(
    [],
  );
  expect(findValue(after, 'pressroom_jobs_dismissed_total', { reason: 'never-began' })).toBe(2);
  expect(findValue(after, 'pressroom_jobs_finished_total', { status: 'dismissed' })).toBe(2);
  expect(findValue(after, 'pressroom_http_requests_total', { method: 'OTHER' })).toBe(2);
});

test('a caller that goes is counted, and a reader of events while it stays', async ({
  openSite,
  open,
}) => {
  const gateway = await open(await openSite(), { hasWorker: false });
  const going = new AbortController();
  const { signal } = going;
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  const events = await fetch(`${gateway.url}/v1/jobs/${body.jobID}/events`, { signal });
  const again = { 'idempotency-key': 'a-second-one-that-waits', prefer: 'wait=30' };
  const waiting = gateway
    .publish(await gateway.build(), { site: 'demo' }, again, signal)
    .catch((error: Error) => error.name);
  const seen = async (name: string, labels = {}) =>
    findValue(await scrape(gateway.url), `pressroom_${name}`, labels);
  await vi.waitFor(
    async () => expect(await seen('idempotency_total', { outcome: 'new' })).toBe(1),
    10_000,
  );
  expect(events.status).toBe(200);
  expect(await seen('sse_clients')).toBe(1);
  expect(await seen('http_requests_in_flight')).toBe(3); // the scrape is one

  going.abort();

  expect(await waiting).toBe('AbortError');
  await vi.waitFor(async () => {
    expect(await seen('sse_clients')).toBe(0);
    expect(await seen('http_requests_in_flight')).toBe(1);
    expect(await seen('http_requests_total', { route: publishing, status: '499' })).toBe(1);
  }, 10_000);
  const stream = { route: '/v1/jobs/:jobId/events' };
  expect(await seen('http_requests_total', { ...stream, status: '200' })).toBe(1);
  expect(await seen('http_request_duration_seconds_count', stream)).toBeUndefined();
});

test('refused keys are counted by why, and a refused file too', async ({ openSite, open }) => {
  const site = await openSite();
  const sha256 = '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae'; // of "foo"
  const gateway = await open(site, {
    hasWorker: false,
    settings: {
      apiKeys: [{ id: 'reader', sha256, scopes: ['publish:create'] }],
      uploads: { maxBytes: 1_000 },
    },
  });
  const key = { 'x-api-key': 'foo' };

  await ask(gateway, '/v1/jobs');
  await ask(gateway, '/v1/jobs', { headers: { 'x-api-key': 'wrong' } });
  await askJson(gateway, '/v1/sites/demo/hold', { reason: 'no right to' }, key);
  const form = new FormData();
  form.set('file', new Blob([new Uint8Array(2_000)]), 'large.sd');
  await ask(gateway, '/v1/uploads', { method: 'POST', headers: key, body: form });
  const samples = await scrape(gateway.url);

  const failures = (reason: string) =>
    findValue(samples, 'pressroom_auth_failures_total', { reason });
  expect([failures('no_key'), failures('unknown_key'), failures('scope')]).toEqual([1, 1, 1]);
  const tooLarge = { reason: 'payload_too_large' };
  expect(findValue(samples, 'pressroom_uploads_rejected_total', tooLarge)).toBe(1);
});

test('a worker tells its numbers, also while Redis is away', async ({ openSite, open }) => {
  const port = await findFreePort();
  const redis = await openOwnRedisAt(port, { kind: 'none' });
  const site = await openSite({ publishMs: 100 });
  const gateway = await open(site, {
    hasWorker: false,
    settings: { redis: { url: redis.url }, queue: { siteReadSeconds: 1 } },
  });
  const { redis: address, storage, timing, sites, queue } = gateway.config;
  const statusPort = await findFreePort();
  const file = join(gateway.folder, 'pressroom.yaml');
  const config = { redis: address, storage, timing, sites, queue, worker: { statusPort } };
  await writeFile(file, stringify(config));
  const worker = await startPressroom('worker', { PRESSROOM_CONFIG: file, ...gateway.passwords });
  const root = `http://127.0.0.1:${statusPort}`;
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  await gateway.ended(body.jobID);

  const samples = await scrape(root);
  process.kill(redis.pid, 'SIGKILL');
  await redis.close();
  const startedMs = performance.now();
  const without = await scrape(root);
  const tookMs = performance.now() - startedMs;
  const withoutApi = await scrape(gateway.url);
  worker.signal('SIGKILL');
  await worker.ended;
  const again = await openOwnRedisAt(port, { kind: 'none' });
  const back = await vi.waitFor(async () => {
    const seen = await scrape(gateway.url);
    expect(findValue(seen, 'pressroom_redis_up')).toBe(1);
    return seen;
  }, 10_000);
  await gateway.close(); // while there is a Redis to say good-bye to
  await again.close();

  const finished = { status: 'successful', site: 'demo' };
  expect(findValue(samples, 'pressroom_jobs_finished_total', finished)).toBe(1);
  expect(findValue(samples, 'pressroom_build_info', { part: 'worker' })).toBe(1);
  expect(findValue(samples, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  expect(findValue(samples, 'pressroom_redis_up')).toBe(1);
  expect(findValue(samples, 'pressroom_site_up', { site: 'demo' })).toBe(1);
  for (const seen of [without, withoutApi]) {
    expect(findValue(seen, 'pressroom_redis_up')).toBe(0);
    expect(findValue(seen, 'pressroom_queue_jobs')).toBeUndefined();
    expect(findValue(seen, 'pressroom_site_up')).toBeUndefined();
    expect(findValue(seen, 'pressroom_webhook_backlog')).toBeUndefined();
    expect(findValue(seen, 'pressroom_disk_free_bytes')).toBeGreaterThan(0);
  }
  expect(findValue(without, 'pressroom_jobs_finished_total', finished)).toBe(1);
  expect(tookMs).toBeLessThan(2_500);
  expect(findValue(back, 'pressroom_webhook_backlog')).toBe(0);
});
