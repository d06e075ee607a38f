import type { JobNews } from '../jobs/change-feed.ts';
import type { NewDelivery, Throttle } from '../jobs/delivery-records.ts';
import { isFinal, type JobRecord } from '../jobs/job-record.ts';
import type { WebhookEndpoint } from '../jobs/webhook-endpoint-records.ts';
import { type JobEventBody, type JobEventType, toEventMs } from '../jobs/webhook-events.ts';

export type PlannedDelivery = { delivery: NewDelivery; throttle?: Throttle };

/** One piece of news with the job as it is now; without a record when the job was removed meanwhile. */
export type JobEvent = { type: JobEventType; news: JobNews; record?: JobRecord | undefined };

/** How the bodies speak of a job. Handed down, as the API decides it. */
export type JobSpeech = {
  href: (jobId: string) => string;
  statusInfo: (record: JobRecord) => unknown;
  results: (record: JobRecord) => unknown;
};

/** Clocks differ a little: an endpoint is told of what was just before it. */
const clockToleranceMs = 60_000;

/** Whether an endpoint wants to be told. Labels are known with the record only. */
export function wants(endpoint: WebhookEndpoint, { type, news, record }: JobEvent): boolean {
  const { sites, processes, labels } = endpoint;
  return (
    endpoint.disabledMs === undefined &&
    endpoint.eventTypes.includes(type) &&
    toEventMs(news) >= endpoint.createdMs - clockToleranceMs &&
    (sites === undefined || sites.includes(news.site)) &&
    (processes === undefined || processes.includes(news.processID)) &&
    (labels === undefined || labels.some((label) => record?.labels.includes(label)))
  );
}

export function planForEndpoint(
  endpoint: WebhookEndpoint,
  event: JobEvent,
  { href, progressMs }: Pick<JobSpeech, 'href'> & { progressMs: number },
): PlannedDelivery {
  const { news, type } = event;
  const { endpointId, owner, url } = endpoint;
  return {
    delivery: {
      deliveryId: `${endpointId}_${news.jobId}_${toSuffix(event)}`,
      kind: 'endpoint',
      endpointId,
      owner,
      url,
      event: type,
      jobId: news.jobId,
      body: JSON.stringify(toEventBody(event, href)),
      createdMs: Date.now(),
    },
    ...toThrottle(event, endpointId, progressMs),
  };
}

/** What the `subscriber` of the execution is told; nothing where it named no address for it. */
export function planForSubscriber(
  event: JobEvent & { record: JobRecord },
  speech: JobSpeech & { progressMs: number },
): PlannedDelivery | undefined {
  const { news, type, record } = event;
  const { successUri, failedUri, inProgressUri } = record.subscriber ?? {};
  const told: Partial<Record<JobEventType, { url: string | undefined; body: () => unknown }>> = {
    'job.started': { url: inProgressUri, body: () => speech.statusInfo(record) },
    'job.progressed': { url: inProgressUri, body: () => speech.statusInfo(record) },
    'job.successful': { url: successUri, body: () => speech.results(record) },
    'job.failed': { url: failedUri, body: () => speech.statusInfo(record) },
    'job.dismissed': { url: failedUri, body: () => speech.statusInfo(record) },
  };
  const { url, body } = told[type] ?? {};
  // News of progress that are read late would tell of a job that has ended.
  const isLate = isFinal(record.status) && !isFinal(news.status as JobRecord['status']);
  if (url === undefined || body === undefined || isLate) return undefined;
  return {
    delivery: {
      deliveryId: `subscriber_${news.jobId}_${toSuffix(event)}`,
      kind: 'subscriber',
      owner: record.owner,
      url,
      event: type,
      jobId: news.jobId,
      body: JSON.stringify(body()),
      createdMs: Date.now(),
    },
    ...toThrottle(event, 'subscriber', speech.progressMs),
  };
}

/** The same news always make the same id. Only progress happens more than once to a job. */
function toSuffix({ type, news }: JobEvent): string {
  const name = type.slice('job.'.length);
  return type === 'job.progressed' ? `${name}-${news.rev}` : name;
}

function toThrottle(
  { type, news }: JobEvent,
  receiver: string,
  ms: number,
): { throttle?: Throttle } {
  if (type !== 'job.progressed') return {};
  return { throttle: { key: `${receiver}:${news.jobId}`, ms } };
}

function toEventBody({ type, news, record }: JobEvent, href: JobSpeech['href']): JobEventBody {
  const { jobId, processID, site, status, rev } = news;
  return {
    type,
    timestamp: new Date(toEventMs(news)).toISOString(),
    data: {
      jobId,
      processID,
      ...(site !== '' && { site }),
      status,
      rev,
      labels: record?.labels ?? [],
      ...(record?.reference !== undefined && { reference: record.reference }),
      href: href(jobId),
    },
  };
}
