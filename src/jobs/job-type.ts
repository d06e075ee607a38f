import type { z } from 'zod';
import type { ArcpyOfWorker } from '../arcpy/arcpy-of-worker.ts';
import type { DocumentReader } from '../documents/document-reader.ts';
import type { Timing } from '../lib/config.ts';
import { RequestError, type RequestFault } from '../lib/errors.ts';
import type { Problem } from '../lib/problem.ts';
import type { Site } from '../sites/sites.ts';
import type { FolderStorage } from '../storage/folder-storage.ts';
import type { DataStoreValidations } from './data-store-validations.ts';
import type { FolderUses } from './folder-uses.ts';
import type { JobLog } from './job-log.ts';
import type { JobRecord } from './job-record.ts';
import type { JobSecrets } from './job-secrets.ts';
import type { PublishLedger } from './publish-ledger.ts';
import type { RuntimeRecord } from './runtime-records.ts';
import type { RuntimeNeeds } from './runtime-wish.ts';
import type { SiteRecord } from './site-records.ts';
import type { PutBack, RunStep } from './step.ts';
import type { UploadRecord, UploadRecords } from './upload-records.ts';

/** All that a handler may reach. A site's changing requests ask first whether this attempt still may. */
export type JobContext = {
  jobId: string;
  owner: string;
  attempt: number;
  sites: { get: (name: string) => Site };
  /** ArcPy of this worker; only jobs of its queues are given one. */
  arcpy: ArcpyOfWorker;
  storage: FolderStorage;
  documents: DocumentReader;
  uploads: UploadRecords;
  ledger: PublishLedger;
  folderUses: FolderUses;
  step: RunStep;
  signal: AbortSignal;
  pause: (ms: number) => Promise<void>;
  log: JobLog;
  timing: Timing;
  secrets: Pick<JobSecrets, 'keep' | 'get' | 'read' | 'hide'>;
  validations: DataStoreValidations;
  /** Takes more locks, all of them or none; waits for whoever has them. */
  lock: (names: string[]) => Promise<void>;
  /** Another job of the same owner, while it is remembered. */
  findJob: (jobId: string) => Promise<JobRecord | undefined>;
  /** Puts a warning into the job's record and log, once. */
  warn: (text: string) => Promise<void>;
  warnings: () => string[];
  /** Seconds each step took so far, by name. */
  stepSeconds: () => Record<string, number>;
  currentStep: () => string | undefined;
  /** What a step that is done came to; not parsed. */
  recordedResult: (step: string) => unknown;
  startedMs: () => number;
  elapsedMs: () => number;
  isFirstAttempt: boolean;
};

/** What is known when a job is asked for, before it is queued. */
export type AcceptanceFacts = {
  /** The uploads that the inputs link to, by the name of the input. */
  uploads: Record<string, UploadRecord>;
  /** Names of the secrets that the configuration has. */
  secretNames?: readonly string[];
  /** The last reading of the site, if there was one. */
  siteRecord?: SiteRecord;
  /** The ArcPy of every live worker. */
  runtimes?: readonly RuntimeRecord[];
};

export type Acceptance = {
  /** Names of what only one job at a time may touch. */
  locks: string[];
  warnings: string[];
};

/** What was found out right after a failure, kept while the job is undone. */
export type FailureReport<Evidence> = {
  investigate: (error: unknown, context: JobContext) => Promise<Evidence>;
  conclude: (evidence: Evidence, putBack: PutBack, context: JobContext) => Promise<Problem>;
};

export type JobTypeSpec<Params extends z.ZodObject, Result extends z.ZodObject> = {
  /** Also the folder, the queue's job name and the OGC process id. */
  name: string;
  title: string;
  summary: string;
  params: Params;
  result: Result;
  example: z.input<Params>;
  /** Inputs that are files; each is a link to an upload in the parameters. */
  fileInputs?: readonly (keyof z.output<Params> & string)[];
  /** Those of them that may hold a secret: the file is deleted when the job has ended, failed or not. */
  secretFileInputs?: readonly (keyof z.output<Params> & string)[];
  /** Inputs that are sealed as soon as they come, as paths such as `connection.password`. */
  secretInputs?: readonly string[];
  /**
   * `site`: the queue of the site in `params.site`; `here`: no site is touched; `either`: that of
   * `params.site`, or with `params.sites` the one that belongs to no site; `arcpy`: that of a pool of workers whose
   * ArcPy can do it, which `needs` tells.
   */
  queue: 'site' | 'here' | 'either' | 'arcpy';
  /** What a job needs of an ArcPy; with `queue: 'arcpy'`. */
  needs?: (params: z.output<Params>) => RuntimeNeeds;
  /** Steps by name; a record that has others was begun by another version. What follows a colon counts steps of a kind. */
  steps: readonly string[];
  /** Each needs one of the scopes in it. */
  scopes: (params: z.output<Params>) => string[];
  /** How it is carried out while the caller waits; without it the process is asynchronous only. */
  runAtOnce?: (
    params: z.output<Params>,
    context: Pick<JobContext, 'pause' | 'signal'>,
  ) => Promise<z.output<Result>>;
  /** @throws RequestError for what can never work */
  accept?: (params: z.output<Params>, facts: AcceptanceFacts) => Acceptance;
  handler: (params: z.output<Params>, context: JobContext) => Promise<z.output<Result>>;
  failure?: (params: z.output<Params>) => FailureReport<unknown>;
};

/** A job type whose own types are hidden, so that a list can hold all of them. */
export type JobType = {
  name: string;
  title: string;
  summary: string;
  params: z.ZodObject;
  result: z.ZodObject;
  example: unknown;
  fileInputs: readonly string[];
  secretFileInputs: readonly string[];
  secretInputs: readonly string[];
  queue: 'site' | 'here' | 'either' | 'arcpy';
  needs: ((params: unknown) => RuntimeNeeds) | undefined;
  steps: readonly string[];
  runAtOnce:
    | ((
        rawParams: unknown,
        context: Pick<JobContext, 'pause' | 'signal'>,
      ) => Promise<Record<string, unknown>>)
    | undefined;
  /** Nothing for what is not valid. */
  tryParse: (rawParams: unknown) => Record<string, unknown> | undefined;
  /** @throws RequestError validation_error, with a pointer to each fault below `/inputs` */
  parseParams: (rawParams: unknown) => Record<string, unknown>;
  scopes: (params: unknown) => string[];
  accept: (params: unknown, facts: AcceptanceFacts) => Acceptance;
  run: (rawParams: unknown, context: JobContext) => Promise<Record<string, unknown>>;
  failure: ((rawParams: unknown) => FailureReport<unknown>) | undefined;
};

/**
 * Turns a typed spec into a `JobType` that any list can hold. The parameters are parsed again when the
 * job runs: the queue outlives deployments, so a stored job may be older than the schema.
 */
export function defineJobType<Params extends z.ZodObject, Result extends z.ZodObject>(
  spec: JobTypeSpec<Params, Result>,
): JobType {
  const { handler, accept, failure, scopes, runAtOnce, needs, ...described } = spec;
  const known = new WeakSet<object>(); // what came out of the schema once goes through it unchanged
  const remembered = <T>(params: T): T => {
    if (params !== null && typeof params === 'object') known.add(params);
    return params;
  };
  const parsed = (raw: unknown) =>
    (known.has(raw as object) ? raw : remembered(spec.params.parse(raw))) as z.output<Params>;
  return {
    ...described,
    fileInputs: spec.fileInputs ?? [],
    secretFileInputs: spec.secretFileInputs ?? [],
    secretInputs: spec.secretInputs ?? [],
    runAtOnce:
      runAtOnce &&
      (async (raw, context) =>
        spec.result.parse(await runAtOnce(parsed(raw), context)) as Record<string, unknown>),
    tryParse: (raw) =>
      remembered(spec.params.safeParse(raw).data as Record<string, unknown> | undefined),
    parseParams: (raw) => remembered(parseInputs(spec.params, raw)),
    needs: needs && ((raw) => needs(parsed(raw))),
    scopes: (raw) => scopes(parsed(raw)),
    accept: (raw, facts) => accept?.(parsed(raw), facts) ?? { locks: [], warnings: [] },
    run: async (raw, context) =>
      spec.result.parse(await handler(parsed(raw), context)) as Record<string, unknown>,
    failure: failure && ((raw) => failure(parsed(raw))),
  };
}

/** The sites that a job works on, in the order of the request. */
export function sitesOf(
  { queue }: Pick<JobType, 'queue'>,
  params: Record<string, unknown>,
): string[] {
  if (queue === 'here') return [];
  if (typeof params.site === 'string') return [params.site];
  return queue === 'either' && Array.isArray(params.sites) ? params.sites.map(String) : [];
}

/** The site whose queue a job waits in; none for the queue that belongs to no site. */
export function siteOfQueue(
  { queue }: Pick<JobType, 'queue'>,
  { site }: Record<string, unknown>,
): string | undefined {
  return (queue === 'site' || queue === 'either') && typeof site === 'string' ? site : undefined;
}

function parseInputs(params: z.ZodObject, raw: unknown): Record<string, unknown> {
  const { data, error } = params.safeParse(raw);
  if (data) return data as Record<string, unknown>;
  const errors = error.issues.flatMap((issue) => toFaults(issue));
  throw new RequestError(
    'validation_error',
    errors.length === 1 ? '1 fault in the inputs.' : `${errors.length} faults in the inputs.`,
    { errors },
  );
}

function toFaults(issue: z.core.$ZodIssue): RequestFault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: toPointer(['inputs', ...issue.path, key]),
      code: 'unrecognized_key',
      detail: 'is not an input of this process',
    }));
  }
  return [
    { pointer: toPointer(['inputs', ...issue.path]), code: issue.code, detail: issue.message },
  ];
}

/** RFC 6901, in fragment form. */
export function toPointer(path: readonly PropertyKey[]): string {
  const parts = path.map((part) =>
    String(part)
      .replaceAll(/\p{Surrogate}/gu, '\ufffd')
      .replaceAll('~', '~0')
      .replaceAll('/', '~1'),
  );
  return `#${parts.map((part) => `/${encodeURIComponent(part)}`).join('')}`;
}
