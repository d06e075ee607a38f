import { z } from 'zod';
import {
  type AttemptRecord,
  type ChildCounts,
  JobStatus,
  type JobSummary,
  UndoState,
} from '../jobs/job-record.ts';
import { Problem, withPublicUrl } from '../lib/problem.ts';
import { jobUrl, jsonLink, Link, ogcRelations } from './links.ts';

export const WaitingFor = z
  .object({
    reason: z
      .enum(['slot', 'service', 'site', 'parent', 'schedule', 'runtime', 'storage'])
      .describe(
        '`slot`: a free place; `service`: another job has the service; `site`: the site rests; `schedule`: the time it was sent for; `parent`: it is a parent, and its children are at work; `runtime`: no ArcPy that fits; `storage`: the disk of the gateway is full',
      ),
    jobId: z.string().optional().describe('The job that is waited for'),
    place: z.int().optional().describe('Place in the line, from 1'),
    until: z.iso.datetime().optional().describe('When it is tried again'),
    estimatedSeconds: z
      .int()
      .optional()
      .describe('How long it will probably wait, by what such jobs took there before'),
    detail: z.string().optional().describe('Why, in words'),
  })
  .describe('Why the job does not go on at the moment')
  .meta({ id: 'WaitingFor' });
export type WaitingFor = z.output<typeof WaitingFor>;

const count = z.int().min(0);

export const ChildrenStatus = z
  .object({
    expected: count.describe('How many there will be, as far as that is known'),
    total: count.describe('How many there are by now'),
    accepted: count,
    running: count,
    successful: count,
    failed: count,
    dismissed: count,
  })
  .describe('Of a parent: how many of its children have which status')
  .meta({ id: 'ChildrenStatus' });

export const Forecast = z
  .object({
    finish: z.iso.datetime().describe('When the last child will probably have ended'),
    basedOn: z.int().describe('How many past jobs that is read from'),
  })
  .describe('Of a parent: when it will end, by what such jobs took on these sites before')
  .meta({ id: 'Forecast' });

/** What is known of a job beside its record, at the moment of reading. */
export type Outlook = {
  waitingFor?: WaitingFor;
  forecast?: z.output<typeof Forecast>;
  /** Told in place of the record's own; 0: not told. */
  priority?: number;
};

const AttemptInfo = z
  .object({
    attempt: z.int().describe('Its number, from 1'),
    began: z.iso.datetime(),
    ended: z.iso.datetime().optional().describe('Absent while it is under way'),
    outcome: z
      .enum(['ended', 'handed-over', 'rested', 'died'])
      .optional()
      .describe(
        '`ended`: with the job; `handed-over`: its worker was stopped in good order; `rested`: it gave its place back, and `reason` says what it waited for; `died`: nothing more was heard of its worker',
      ),
    step: z.string().optional().describe('The step it ended in'),
    reason: z.string().optional().describe('Why it rested, in words'),
  })
  .meta({ id: 'AttemptInfo' });

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
    priority: z
      .int()
      .optional()
      .describe(
        'Of a job that waits: the lowest goes first. It is how many jobs its owner had open in the queue before, and one',
      ),
    at: z.iso.datetime().optional().describe('Not begun before then'),
    attempt: z.int().describe('How often the job was begun'),
    attempts: z
      .array(AttemptInfo)
      .optional()
      .describe('The latest attempts, in order: a job that was begun has at least one'),
    step: z.string().optional().describe('The step it is in, or ended in'),
    warnings: z.array(z.string()).optional().describe('What is worth knowing and stops nothing'),
    labels: z.array(z.string()).describe('Labels given with the request'),
    reference: z.string().optional().describe("The caller's own reference"),
    retryOf: z.string().optional().describe('The job whose request this one repeats'),
    parentID: z.string().optional().describe('The job that made this one'),
    children: ChildrenStatus.optional(),
    forecast: Forecast.optional(),
    undo: UndoState.optional(),
    waitingFor: WaitingFor.optional(),
    exception: Problem.optional().describe('Of a failed job: what went wrong, why, and what to do'),
    links: z.array(Link),
  })
  .meta({ id: 'StatusInfo' });
export type StatusInfo = z.output<typeof StatusInfo>;

export function toStatusInfo(
  record: JobSummary,
  root: string,
  { waitingFor, forecast, priority = record.priority }: Outlook = {},
): StatusInfo {
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
    ...(record.status === 'accepted' && priority > 0 && { priority }),
    ...(record.atMs !== undefined && { at: toTime(record.atMs) }),
    attempt: record.attempt,
    ...(record.attempts.length > 0 && { attempts: record.attempts.map(toAttemptInfo) }),
    ...(record.step !== undefined && { step: record.step }),
    ...(record.warnings.length > 0 && { warnings: record.warnings }),
    labels: record.labels,
    ...(record.reference !== undefined && { reference: record.reference }),
    ...(record.retryOf !== undefined && { retryOf: record.retryOf }),
    ...(record.parentID !== undefined && { parentID: record.parentID }),
    ...(record.children && { children: toChildrenStatus(record.children) }),
    ...(forecast && { forecast }),
    ...(record.undo && { undo: record.undo }),
    ...(waitingFor && { waitingFor }),
    ...(record.exception && { exception: withPublicUrl(record.exception, root) }),
    links: toLinks(record, root),
  };
}

function toChildrenStatus({
  open: _open,
  isStopped: _isStopped,
  isCalled: _isCalled,
  openByKind: _openByKind,
  ...counts
}: ChildCounts): z.output<typeof ChildrenStatus> {
  return counts;
}

function toAttemptInfo({ startedMs, endedMs, outcome, step, ...kept }: AttemptRecord) {
  return {
    ...kept,
    began: toTime(startedMs),
    ...(endedMs !== undefined && { ended: toTime(endedMs) }),
    ...(outcome && { outcome }),
    ...(step && { step }),
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

function toPercent({ status, progress }: JobSummary): number {
  return status === 'successful' ? 100 : Math.max(0, Math.min(99, Math.floor(progress)));
}

function toLinks(record: JobSummary, root: string): Link[] {
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
    ...(record.children
      ? [
          jsonLink('children', `${self}/children`, 'Table of the children'),
          jsonLink(
            ogcRelations.jobList,
            `${root}/v1/jobs?parent=${record.jobId}`,
            'The children as jobs',
          ),
        ]
      : []),
    ...(record.parentID === undefined
      ? []
      : [jsonLink('up', jobUrl(root, record.parentID), 'The parent')]),
  ];
}
