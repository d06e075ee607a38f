import { expect, test } from 'vitest';
import type { JobNews } from '../jobs/change-feed.ts';
import { type JobRecord, parseJobRecord } from '../jobs/job-record.ts';
import type { WebhookEndpoint } from '../jobs/webhook-endpoint-records.ts';
import { JobEventBody, toEventType, WebhookEventType } from '../jobs/webhook-events.ts';
import { type JobEvent, planForEndpoint, planForSubscriber, wants } from './event-deliveries.ts';

const news: JobNews = {
  id: '1767607989000-3',
  jobId: 'job-1',
  rev: 7,
  kind: 'ended',
  status: 'successful',
  site: 'demo',
  owner: 'ci',
  processID: 'echo',
};

const endpoint: WebhookEndpoint = {
  endpointId: 'endpoint-1',
  owner: 'ci',
  url: 'https://hooks.example.com/',
  eventTypes: [...WebhookEventType.options],
  sealedSecret: 'sealed',
  createdMs: 1767607980000,
  updatedMs: 1767607980000,
};

function recordOf(members: Partial<JobRecord> = {}): JobRecord {
  const plain = {
    jobId: 'job-1',
    processID: 'echo',
    owner: 'ci',
    status: 'successful',
    queue: 'here',
  };
  const numbers = {
    priority: 1,
    seq: 1,
    rev: 9,
    attempt: 1,
    createdMs: 1,
    updatedMs: 2,
    deadlineMs: 3,
    progress: 100,
  };
  const structured = { labels: '["nightly"]', params: '{}', locks: '[]', uploads: '[]' };
  const hash = Object.entries({ ...plain, ...numbers, ...structured }).map(([key, value]) => [
    key,
    String(value),
  ]);
  return { ...parseJobRecord(Object.fromEntries(hash)), ...members };
}

test.each<[string, JobNews['status'], string | undefined]>([
  ['accepted', 'accepted', 'job.accepted'],
  ['attempt', 'running', 'job.started'],
  ['step', 'running', 'job.progressed'],
  ['progress', 'running', 'job.progressed'],
  ['ended', 'successful', 'job.successful'],
  ['ended', 'failed', 'job.failed'],
  ['dismissed', 'dismissed', 'job.dismissed'],
  ['attempt', 'dismissed', 'job.dismissed'],
  ['parked', 'accepted', undefined],
  ['log', 'running', undefined],
  ['removed', 'successful', undefined],
])('%s of a job that is %s: %s', (kind, status, expected) => {
  expect(toEventType({ ...news, kind, status })).toBe(expected);
});

const event: JobEvent = { type: 'job.successful', news, record: recordOf() };

test.each<[string, Partial<WebhookEndpoint>, boolean]>([
  ['no filter', {}, true],
  ['its types', { eventTypes: ['job.successful'] }, true],
  ['other types', { eventTypes: ['job.failed'] }, false],
  ['its site', { sites: ['other', 'demo'] }, true],
  ['another site', { sites: ['other'] }, false],
  ['its process', { processes: ['echo'] }, true],
  ['another process', { processes: ['publish-service-definition'] }, false],
  ['one of its labels', { labels: ['weekly', 'nightly'] }, true],
  ['other labels', { labels: ['weekly'] }, false],
  ['being disabled', { disabledMs: 1 }, false],
  ['being younger than the news', { createdMs: 1767607989000 + 60_001 }, false],
  ['being as old as clocks differ', { createdMs: 1767607989000 + 59_999 }, true],
])('an endpoint with %s', (_what, members, expected) => {
  expect(wants({ ...endpoint, ...members }, event)).toBe(expected);
});

const href = (jobId: string) => `https://publish.example.org/v1/jobs/${jobId}`;
const speech = {
  href,
  progressMs: 10_000,
  statusInfo: () => ({ isStatus: true }),
  results: () => ({ echo: 'a' }),
};

test('the body is thin, and tells of the time of the event', () => {
  const { delivery } = planForEndpoint(
    endpoint,
    { ...event, record: recordOf({ reference: 'build-7' }) },
    speech,
  );
  const body = JobEventBody.strict().parse(JSON.parse(delivery.body));
  expect(body).toEqual({
    type: 'job.successful',
    timestamp: '2026-01-05T10:13:09.000Z',
    data: {
      jobId: 'job-1',
      processID: 'echo',
      site: 'demo',
      status: 'successful',
      rev: 7,
      labels: ['nightly'],
      reference: 'build-7',
      href: 'https://publish.example.org/v1/jobs/job-1',
    },
  });
});

test('the largest request makes a body below 20 kB', () => {
  const labels = Array.from({ length: 16 }, () => '🛰'.repeat(50));
  const record = recordOf({ labels, reference: '🛰'.repeat(100) });
  const { delivery } = planForEndpoint(endpoint, { ...event, record }, speech);
  expect(Buffer.byteLength(delivery.body)).toBeLessThan(20_000);
});

test('the same news make the same id; only progress happens again', () => {
  const idOf = (each: JobEvent) => planForEndpoint(endpoint, each, speech).delivery.deliveryId;
  expect(idOf(event)).toBe(idOf({ ...event, news: { ...news, rev: 8 } }));
  expect(idOf(event)).toMatch(/^[\w-]+$/); // no dot: a signature names it with dots around
  const progress = { ...event, type: 'job.progressed' as const };
  expect(idOf(progress)).not.toBe(idOf({ ...progress, news: { ...news, rev: 8 } }));
  expect(idOf(progress)).toBe(idOf(progress));
});

const subscriber = {
  successUri: 'https://a.example/ok',
  inProgressUri: 'https://a.example/running',
  failedUri: 'https://a.example/failed',
};

test.each<[JobEvent['type'], JobRecord['status'], string | undefined, unknown]>([
  ['job.accepted', 'accepted', undefined, undefined],
  ['job.started', 'running', subscriber.inProgressUri, { isStatus: true }],
  ['job.progressed', 'running', subscriber.inProgressUri, { isStatus: true }],
  ['job.successful', 'successful', subscriber.successUri, { echo: 'a' }],
  ['job.failed', 'failed', subscriber.failedUri, { isStatus: true }],
  ['job.dismissed', 'dismissed', subscriber.failedUri, { isStatus: true }],
])('a subscriber hears of %s', (type, status, url, body) => {
  const told = { type, news: { ...news, status }, record: recordOf({ status, subscriber }) };
  const plan = planForSubscriber(told, speech);
  expect(plan?.delivery.url).toBe(url);
  expect(plan && JSON.parse(plan.delivery.body)).toEqual(body);
});

test('a subscriber hears nothing of what it named no address for, nor of progress that is over', () => {
  const told = { ...event, record: recordOf({ subscriber: { failedUri: 'https://a.example/' } }) };
  expect(planForSubscriber(told, speech)).toBeUndefined();
  const late = {
    type: 'job.started' as const,
    news: { ...news, status: 'running' as const },
    record: recordOf({ subscriber }),
  };
  expect(planForSubscriber(late, speech)).toBeUndefined();
});
