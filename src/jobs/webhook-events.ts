import { z } from 'zod';
import type { JobNews } from './change-feed.ts';

export const JobEventType = z
  .enum([
    'job.accepted',
    'job.started',
    'job.progressed',
    'job.successful',
    'job.failed',
    'job.dismissed',
  ])
  .meta({ id: 'JobEventType' });
export type JobEventType = z.output<typeof JobEventType>;

export const WebhookEventType = z
  .enum([...JobEventType.options, 'webhook.ping'])
  .meta({ id: 'WebhookEventType' });
export type WebhookEventType = z.output<typeof WebhookEventType>;

/** What an endpoint is told that names no types: all but progress, which is told to those who ask for it. */
export const usualEventTypes: readonly WebhookEventType[] = WebhookEventType.options.filter(
  (type) => type !== 'job.progressed',
);

/** What an endpoint is sent: ids and little more, so that nothing is told to whom it is not meant for. */
export const JobEventBody = z
  .object({
    type: JobEventType,
    timestamp: z.iso.datetime().describe('When it happened'),
    data: z.object({
      jobId: z.string(),
      processID: z.string(),
      site: z.string().optional(),
      status: z.string().describe('Status of the job at that time'),
      rev: z.int().describe('Grows with every change of the job: events may come in any order'),
      labels: z.array(z.string()),
      reference: z.string().optional(),
      href: z.string().describe('Where the job is read'),
    }),
  })
  .meta({ id: 'JobEventBody' });
export type JobEventBody = z.output<typeof JobEventBody>;

export const PingBody = z
  .object({
    type: z.literal('webhook.ping'),
    timestamp: z.iso.datetime(),
    data: z.object({ endpointId: z.string() }),
  })
  .meta({ id: 'PingBody' });
export type PingBody = z.output<typeof PingBody>;

/** The event that an entry of the stream of changes is, if it is one for callers. */
export function toEventType({ kind, status }: JobNews): JobEventType | undefined {
  if (kind === 'removed' || kind === 'log') return undefined;
  if (kind === 'accepted') return 'job.accepted';
  if (status === 'successful' || status === 'failed' || status === 'dismissed')
    return `job.${status}`;
  if (status !== 'running') return undefined;
  return kind === 'attempt' ? 'job.started' : 'job.progressed';
}

/** Ids of the stream of changes begin with the time in milliseconds. */
export function toEventMs({ id }: Pick<JobNews, 'id'>): number {
  return Number(id.split('-')[0]);
}
