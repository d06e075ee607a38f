import { z } from 'zod';
import { Problem } from '../lib/problem.ts';
import type { SealedSecrets } from './job-secrets.ts';
import { Subscriber } from './subscriber.ts';

export const JobStatus = z
  .enum(['accepted', 'running', 'successful', 'failed', 'dismissed'])
  .meta({ id: 'JobStatus' });
export type JobStatus = z.output<typeof JobStatus>;

export const UndoState = z
  .enum(['pending', 'done', 'failed', 'nothing-to-do'])
  .describe('What became of what a dismissed or failed job had begun on the site')
  .meta({ id: 'UndoState' });
export type UndoState = z.output<typeof UndoState>;

const StepState = z.enum(['begun', 'done', 'undone', 'undo-failed']);

/** What is known of one step. `before` was seen before anything was changed, `result` came of it. */
const StepRecord = z.object({
  name: z.string(),
  state: StepState,
  before: z.unknown().optional(),
  result: z.unknown().optional(),
  attempt: z.int(),
  startedMs: z.number(),
  finishedMs: z.number().optional(),
  /** Since then it has only been looked at: no request of it was sent. Absent while one may be sent. */
  quietSinceMs: z.number().optional(),
  /** It only looks: nothing on the site comes of it. */
  isReading: z.boolean().optional(),
  note: z.string().optional(),
});
export type StepRecord = z.output<typeof StepRecord>;

/** How a job will end once everything it had begun is put back. */
const Ending = z.object({ problem: Problem, evidence: z.unknown().optional() });
export type Ending = z.output<typeof Ending>;

/** Set by a worker that gave the job back: why, and until when. */
const Parked = z.object({
  reason: z.enum(['service', 'site', 'slot', 'schedule', 'runtime', 'parent', 'storage']),
  lock: z.string().optional(),
  detail: z.string().optional(),
  untilMs: z.number().optional(),
});
export type Parked = z.output<typeof Parked>;

/** What a parent knows of its children. `open` ones have not ended, what they began included. */
export type ChildCounts = {
  /** How many there will be, as far as that is known. */
  expected: number;
  total: number;
  open: number;
  accepted: number;
  running: number;
  successful: number;
  failed: number;
  dismissed: number;
  /** One has failed, and none is begun any more. */
  isStopped: boolean;
  /** The parent has something to do: all have ended, or it is to stop or to go on. */
  isCalled: boolean;
  openByKind: { processID: string; queue: string; count: number }[];
};

/** One attempt: when it began, and how it came to its end. Without an outcome it is under way. */
const AttemptRecord = z.object({
  attempt: z.int(),
  startedMs: z.number(),
  endedMs: z.number().optional(),
  /** `rested`: the site was closed; `handed-over`: its worker was stopped; `died`: its worker was heard of no more. */
  outcome: z.enum(['ended', 'handed-over', 'rested', 'died']).optional(),
  step: z.string().optional(),
  reason: z.string().optional(),
});
export type AttemptRecord = z.output<typeof AttemptRecord>;

/**
 * The truth about one job. BullMQ only moves the work: it forgets ended jobs and knows no dismissal.
 * Times are epoch milliseconds; `seq` is the order of acceptance; `attempt` is the fence.
 */
export type JobRecord = {
  jobId: string;
  processID: string;
  owner: string;
  status: JobStatus;
  site?: string;
  queue: string;
  priority: number;
  seq: number;
  rev: number;
  attempt: number;
  createdMs: number;
  startedMs?: number;
  finishedMs?: number;
  updatedMs: number;
  deadlineMs: number;
  message: string;
  progress: number;
  step?: string;
  labels: string[];
  reference?: string;
  /** Not begun before then. */
  atMs?: number;
  parentID?: string;
  /** Its place among the children of its parent, from 0. */
  childIndex?: number;
  /** Of a parent, once it has begun to make children. */
  children?: ChildCounts;
  requestId?: string;
  /** Of the request that made the job (W3C Trace Context): every attempt goes on from it. */
  traceparent?: string;
  params: unknown;
  response?: unknown;
  locks: string[];
  uploads: string[];
  steps: StepRecord[];
  /** The latest ones, in order. */
  attempts: AttemptRecord[];
  warnings: string[];
  results?: unknown;
  exception?: Problem;
  ending?: Ending;
  undo?: UndoState;
  parked?: Parked;
  deaths: number;
  retryOf?: string;
  subscriber?: Subscriber;
  /** Sealed; gone once the job has ended. */
  secrets?: SealedSecrets;
};

/** What may be long, is secret, or does not tell how a job stands. */
export const unshownMembers = [
  'params',
  'results',
  'response',
  'ending',
  'uploads',
  'locks',
  'subscriber',
  'secrets',
] as const;

/** A job as its status shows it: one small read, however much was sent. */
export type JobSummary = Omit<JobRecord, (typeof unshownMembers)[number] | 'steps'>;

const number = z.coerce.number();
const json = <T extends z.ZodType>(inner: T) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(inner);

/** A record as it lies in Redis: a flat hash, structured members as JSON text. */
const StoredRecord = z.object({
  jobId: z.string(),
  processID: z.string(),
  owner: z.string(),
  status: JobStatus,
  site: z.string().optional(),
  queue: z.string(),
  priority: number,
  seq: number,
  rev: number,
  attempt: number,
  createdMs: number,
  startedMs: number.optional(),
  finishedMs: number.optional(),
  updatedMs: number,
  deadlineMs: number,
  message: z.string(),
  progress: number,
  step: z.string().optional(),
  labels: json(z.array(z.string())),
  reference: z.string().optional(),
  atMs: number.optional(),
  parentID: z.string().optional(),
  childIndex: number.optional(),
  requestId: z.string().optional(),
  traceparent: z.string().optional(),
  params: json(z.unknown()),
  response: json(z.unknown()).optional(),
  locks: json(z.array(z.string())),
  uploads: json(z.array(z.string())),
  warnings: json(z.array(z.string())).default([]),
  results: json(z.unknown()).optional(),
  exception: json(Problem).optional(),
  ending: json(Ending).optional(),
  undo: UndoState.optional(),
  parked: json(Parked).optional(),
  deaths: number.default(0),
  retryOf: z.string().optional(),
  subscriber: json(Subscriber).optional(),
  secrets: json(z.record(z.string(), z.string())).optional(),
});

const StoredSummary = StoredRecord.omit({
  params: true,
  results: true,
  response: true,
  ending: true,
  uploads: true,
  locks: true,
  subscriber: true,
  secrets: true,
});

const attemptPrefix = 'try:';
export const stepPrefix = 'step:';
export const stepField = (name: string): string => stepPrefix + name;

/** @throws ZodError for a hash that no version of this software wrote */
export function parseJobRecord(hash: Record<string, string>): JobRecord {
  const filled = withoutEmpty(hash);
  const steps = Object.entries(filled)
    .filter(([field]) => field.startsWith(stepPrefix))
    .map(([, text]) => StepRecord.parse(JSON.parse(text)))
    .sort((a, b) => a.startedMs - b.startedMs || finishOf(a) - finishOf(b)); // a hash has no order
  const stored = StoredRecord.parse({ message: '', ...filled });
  const plain = stored as Omit<JobRecord, 'steps' | 'attempts'>;
  return { ...plain, ...parseCounted(filled), steps };
}

/** Of a hash without its long members. @throws ZodError for one that no version of this software wrote */
export function parseJobSummary(hash: Record<string, string>): JobSummary {
  const filled = withoutEmpty(hash);
  const stored = StoredSummary.parse({ message: '', ...filled });
  return { ...(stored as Omit<JobSummary, 'attempts'>), ...parseCounted(filled) };
}

function withoutEmpty(hash: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(hash).filter(([, value]) => value !== ''));
}

function parseCounted(filled: Record<string, string>): Pick<JobRecord, 'attempts' | 'children'> {
  const attempts = Object.entries(filled)
    .filter(([field]) => field.startsWith(attemptPrefix))
    .map(([, text]) => AttemptRecord.parse(JSON.parse(text)) as AttemptRecord)
    .sort((a, b) => a.attempt - b.attempt);
  const children = parseChildCounts(filled);
  return { attempts, ...(children && { children }) };
}

const openPrefix = 'children:open:';

function parseChildCounts(hash: Record<string, string>): ChildCounts | undefined {
  const total = hash['children:total'];
  const expected = hash['children:expected'];
  if (total === undefined && expected === undefined) return undefined;
  const count = (name: string) => Number(hash[`children:${name}`] ?? 0);
  return {
    expected: Math.max(Number(expected ?? 0), Number(total ?? 0)),
    total: count('total'),
    open: count('open'),
    accepted: count('accepted'),
    running: count('running'),
    successful: count('successful'),
    failed: count('failed'),
    dismissed: count('dismissed'),
    isStopped: hash['children:stopped'] === '1',
    isCalled: hash['children:call'] === '1',
    openByKind: Object.entries(hash)
      .filter(([field]) => field.startsWith(openPrefix))
      .map(([field, value]) => {
        const [processID = '', queue = ''] = field.slice(openPrefix.length).split('|');
        return { processID, queue, count: Number(value) };
      })
      .filter(({ count: open }) => open > 0),
  };
}

/** A step that has not finished comes after those that have. */
function finishOf({ finishedMs }: StepRecord): number {
  return finishedMs ?? Number.MAX_SAFE_INTEGER;
}

export function hasEnded(record: Pick<JobRecord, 'status' | 'undo'>): boolean {
  return isFinal(record.status) && record.undo !== 'pending';
}

export function isFinal(status: JobStatus): boolean {
  return status === 'successful' || status === 'failed' || status === 'dismissed';
}
