import { z } from 'zod';
import { type JobRecord, JobStatus, UndoState } from '../jobs/job-record.ts';
import { Problem, withPublicUrl } from '../lib/problem.ts';
import { jobUrl, jsonLink, Link, ogcRelations } from './links.ts';

export const WaitingFor = z
  .object({
    reason: z
      .enum(['slot', 'service', 'site', 'parent', 'schedule', 'runtime'])
      .describe(
        '`slot`: a free place; `service`: another job has the service; `site`: the site rests',
      ),
    jobId: z.string().optional().describe('The job that is waited for'),
    place: z.int().optional().describe('Place in the line, from 1'),
    until: z.iso.datetime().optional().describe('When it is tried again'),
    detail: z.string().optional().describe('Why, in words'),
  })
  .describe('Why the job does not go on at the moment')
  .meta({ id: 'WaitingFor' });
export type WaitingFor = z.output<typeof WaitingFor>;

/** `statusInfo` of OGC API - Processes 1.0, and what it lacks beside it. */
export const StatusInfo = z
  .object({
    jobID: z.string().describe('Id of the job'),
    id: z.string().describe('The same as `jobID`'),
    type: z.literal('process'),
    processID: z.string().describe('The process that the job carries out'),
    status: JobStatus,
    message: z.string().describe('Where the job stands, in words'),
    created: z.iso.datetime(),
    started: z.iso.datetime().optional(),
    finished: z.iso.datetime().optional().describe('There once the status is final'),
    updated: z.iso.datetime(),
    progress: z.int().min(0).max(100).describe('Percent; 100 only when successful'),
    site: z.string().optional().describe('The site that the job works on'),
    attempt: z.int().describe('How often the job was begun'),
    step: z.string().optional().describe('The step it is in, or ended in'),
    warnings: z.array(z.string()).optional().describe('What is worth knowing and stops nothing'),
    labels: z.array(z.string()).describe('Labels given with the request'),
    reference: z.string().optional().describe("The caller's own reference"),
    retryOf: z.string().optional().describe('The job whose request this one repeats'),
    undo: UndoState.optional(),
    waitingFor: WaitingFor.optional(),
    exception: Problem.optional().describe('Of a failed job: what went wrong, why, and what to do'),
    links: z.array(Link),
  })
  .meta({ id: 'StatusInfo' });
export type StatusInfo = z.output<typeof StatusInfo>;

export function toStatusInfo(record: JobRecord, root: string, waitingFor?: WaitingFor): StatusInfo {
  return {
    jobID: record.jobId,
    id: record.jobId,
    type: 'process',
    processID: record.processID,
    status: record.status,
    message: record.message || usualMessage[record.status],
    created: toTime(record.createdMs),
    ...(record.startedMs !== undefined && { started: toTime(record.startedMs) }),
    ...(record.finishedMs !== undefined && { finished: toTime(record.finishedMs) }),
    updated: toTime(record.updatedMs),
    progress: toPercent(record),
    ...(record.site !== undefined && { site: record.site }),
    attempt: record.attempt,
    ...(record.step !== undefined && { step: record.step }),
    ...(record.warnings.length > 0 && { warnings: record.warnings }),
    labels: record.labels,
    ...(record.reference !== undefined && { reference: record.reference }),
    ...(record.retryOf !== undefined && { retryOf: record.retryOf }),
    ...(record.undo && { undo: record.undo }),
    ...(waitingFor && { waitingFor }),
    ...(record.exception && { exception: withPublicUrl(record.exception, root) }),
    links: toLinks(record, root),
  };
}

const usualMessage = {
  accepted: 'Accepted; waiting to begin',
  running: 'Running',
  successful: 'Done',
  failed: 'Failed',
  dismissed: 'Dismissed',
} satisfies Record<JobStatus, string>;

export function toTime(ms: number): string {
  return new Date(ms).toISOString();
}

function toPercent({ status, progress }: JobRecord): number {
  return status === 'successful' ? 100 : Math.max(0, Math.min(99, Math.floor(progress)));
}

function toLinks(record: JobRecord, root: string): Link[] {
  const self = jobUrl(root, record.jobId);
  return [
    jsonLink('self', self),
    jsonLink('monitor', self, 'Status of the job'),
    ...(record.status === 'successful' ? [jsonLink(ogcRelations.results, `${self}/results`)] : []),
    jsonLink(ogcRelations.log, `${self}/log`, 'Messages of the job'),
    {
      rel: 'events',
      href: `${self}/events`,
      type: 'text/event-stream',
      title: 'The job as it happens',
    },
  ];
}
