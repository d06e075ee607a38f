import type { z } from 'zod';
import type { ArcpyOfWorker } from '../arcpy/arcpy-of-worker.ts';
import type { DocumentReader } from '../documents/document-reader.ts';
import { RequestError, type RequestFault } from '../lib/errors.ts';
import { toPointer } from '../lib/json-pointer.ts';
import type { Problem } from '../lib/problem.ts';
import type { Timing } from '../lib/timing.ts';
import type { SiteJobItems } from '../sites/publishing.ts';
import type { Site } from '../sites/sites.ts';
import type { FolderStorage } from '../storage/folder-storage.ts';
import type { DataStoreValidations } from './data-store-validations.ts';
import type { FolderUses } from './folder-uses.ts';
import type { ChildWish, RunChildren } from './job-children.ts';
import type { JobLog } from './job-log.ts';
import type { JobRecord } from './job-record.ts';
import type { JobSecrets } from './job-secrets.ts';
import type { PublishLedger } from './publish-ledger.ts';
import type { RuntimeRecord } from './runtime-records.ts';
import type { RuntimeNeeds } from './runtime-wish.ts';
import {
  acceptOnSites,
  isOnSites,
  type OnSites,
  runOnSites,
  toFirstSite,
  withoutTwins,
  withSites,
} from './site-fan-out.ts';
import type { SiteJobTimes } from './site-job-times.ts';
import type { SiteRecord } from './site-records.ts';
import type { SiteTroubles } from './site-troubles.ts';
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
  /** Folders of this machine below which definitions may be read. */
  publishRoots: readonly string[];
  /** When the job is given up, in epoch milliseconds. */
  deadlineMs: number;
  documents: DocumentReader;
  uploads: UploadRecords;
  ledger: PublishLedger;
  folderUses: FolderUses;
  siteJobTimes: SiteJobTimes;
  siteJobItems: SiteJobItems;
  siteTroubles: SiteTroubles;
  step: RunStep;
  /** Makes child jobs and waits for them without holding a slot. */
  children: RunChildren;
  /** Whether the job that this one retries had a successful child of this key, with the same files. */
  isDoneBefore: (wish: ChildWish) => Promise<boolean>;
  /** The job that this one retries. */
  retryOf: string | undefined;
  signal: AbortSignal;
  pause: (ms: number) => Promise<void>;
  log: JobLog;
  timing: Timing;
  secrets: Pick<JobSecrets, 'keep' | 'get' | 'read' | 'hide'>;
  validations: DataStoreValidations;
  /** Takes more locks, all of them or none; waits for whoever has them. */
  lock: (names: string[]) => Promise<void>;
  /** Another job of the same owner, while it is remembered; of one on several sites the child on that site. */
  findJob: (jobId: string, site: string) => Promise<JobRecord | undefined>;
  /**
   * One more job of the same type and owner, at a later time. Its id comes of this job's, so that there is one however
   * often it is asked for.
   */
  followUp: {
    submit: (inputs: Record<string, unknown>, atMs: number) => Promise<string>;
    /** @returns false when there is none, or it has begun */
    withdraw: () => Promise<boolean>;
  };
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
  /** All of them, in order; an input may take several. */
  files?: readonly UploadRecord[];
  /** Names of the secrets that the configuration has. */
  secretNames?: readonly string[];
  /** The last reading of the site, if there was one. */
  siteRecord?: SiteRecord;
  /** The ArcPy of every live worker. */
  runtimes?: readonly RuntimeRecord[];
};

/** What a request is judged by: every site that it names, as it was read last. */
export type RequestFacts = Omit<AcceptanceFacts, 'siteRecord'> & {
  siteRecords?: Record<string, SiteRecord>;
};

export type Acceptance = {
  /** Names of what only one job at a time may touch. */
  locks: string[];
  warnings: string[];
  /** The service that the job makes or changes, for the table of its parent. */
  service?: string;
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
   * `site`: the queue of the site in `params.site`; callers may send `sites` in its place, and get a parent with one
   * child per site. `here`: no site is touched. `either`: the queue of `params.site`, or with `params.sites` the one
   * that belongs to no site. `arcpy`: that of a pool of workers whose ArcPy can do it, which `needs` tells.
   */
  queue: 'site' | 'here' | 'either' | 'arcpy';
  /** With `queue: 'site'`, requests that wait in the queue of no site: their handler gets `sites` and speaks to each. */
  worksHere?: (params: Record<string, unknown>) => boolean;
  /**
   * Of a request for several sites: looks, before any child is made, and tells what each site's child gets beside the
   * inputs of its parent.
   */
  prepareSites?: (
    params: z.output<Params>,
    sites: readonly string[],
    context: JobContext,
  ) => Promise<(site: string) => Record<string, unknown>>;
  /** What a job needs of an ArcPy; with `queue: 'arcpy'`. */
  needs?: (params: z.output<Params>) => RuntimeNeeds;
  /** Its handler makes children; `params.site` or `params.sites` are where those work. */
  isParent?: boolean;
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
  worksHere: ((params: Record<string, unknown>) => boolean) | undefined;
  prepareSites:
    | ((params: OnSites, context: JobContext) => Promise<(site: string) => Record<string, unknown>>)
    | undefined;
  needs: ((params: unknown) => RuntimeNeeds) | undefined;
  isParent: boolean;
  steps: readonly string[];
  runAtOnce:
    | ((
        rawParams: unknown,
        context: Pick<JobContext, 'pause' | 'signal'>,
      ) => Promise<Record<string, unknown>>)
    | undefined;
  /** Nothing for what is not valid; else kept for whoever parses the same object again. */
  tryParse: (rawParams: unknown) => Record<string, unknown> | undefined;
  /** @throws RequestError validation_error, with a pointer to each fault below `/inputs` */
  parseParams: (rawParams: unknown) => Record<string, unknown>;
  scopes: (params: unknown) => string[];
  accept: (params: unknown, facts: RequestFacts) => Acceptance;
  run: (rawParams: unknown, context: JobContext) => Promise<Record<string, unknown>>;
  failure: (rawParams: unknown) => FailureReport<unknown> | undefined;
};

/**
 * Turns a typed spec into a `JobType` that any list can hold. The parameters are parsed again when the
 * job runs: the queue outlives deployments, so a stored job may be older than the schema.
 */
export function defineJobType<Params extends z.ZodObject, Result extends z.ZodObject>(
  spec: JobTypeSpec<Params, Result>,
): JobType {
  const { handler, accept, failure, scopes, runAtOnce, needs, prepareSites, ...described } = spec;
  const known = new WeakSet<object>(); // what came out of the schema once goes through it unchanged
  const remembered = <T>(params: T): T => {
    if (params !== null && typeof params === 'object') known.add(params);
    return params;
  };
  const parsedBefore = new WeakMap<object, Record<string, unknown>>();
  const parsed = (raw: unknown) =>
    (known.has(raw as object) ? raw : remembered(spec.params.parse(raw))) as z.output<Params>;
  const params = spec.queue === 'site' ? withSites(spec.params) : spec.params;
  const jobType: JobType = {
    ...described,
    params,
    isParent: spec.isParent ?? false,
    worksHere: spec.worksHere,
    prepareSites:
      prepareSites &&
      (async (raw, context) => prepareSites(parsed(toFirstSite(raw)), raw.sites, context)),
    fileInputs: spec.fileInputs ?? [],
    secretFileInputs: spec.secretFileInputs ?? [],
    secretInputs: spec.secretInputs ?? [],
    runAtOnce:
      runAtOnce &&
      (async (raw, context) =>
        spec.result.parse(await runAtOnce(parsed(raw), context)) as Record<string, unknown>),
    tryParse: (raw) => {
      const found = remembered(params.safeParse(raw).data as Record<string, unknown> | undefined);
      if (found && raw !== null && typeof raw === 'object') parsedBefore.set(raw, found);
      return found;
    },
    parseParams: (raw) => parsedBefore.get(raw as object) ?? remembered(parseInputs(params, raw)),
    scopes: (raw) => scopes(parsed(isOnSites(jobType, raw) ? toFirstSite(raw) : raw)),
    accept: (raw, { siteRecords = {}, ...facts }) => {
      const acceptOne = (one: unknown, site: unknown) => {
        const siteRecord = siteRecords[String(site)];
        const known = { ...facts, ...(siteRecord && { siteRecord }) };
        return accept?.(parsed(one), known) ?? { locks: [], warnings: [] };
      };
      return isOnSites(jobType, raw)
        ? acceptOnSites(raw, acceptOne)
        : acceptOne(raw, (raw as { site?: unknown }).site);
    },
    needs: needs && ((raw) => needs(parsed(raw))),
    run: async (raw, context) =>
      isOnSites(jobType, raw)
        ? runOnSites(jobType, raw, context)
        : (spec.result.parse(await handler(parsed(raw), context)) as Record<string, unknown>),
    failure: (raw) => (isOnSites(jobType, raw) ? undefined : failure?.(parsed(raw))),
  };
  return jobType;
}

/** Whether the job makes children instead of working itself. */
export function isParent(
  jobType: Pick<JobType, 'queue' | 'isParent' | 'worksHere'>,
  params: unknown,
): boolean {
  return jobType.isParent || isOnSites(jobType, params);
}

/** The sites that a job works on, in the order of the request. */
export function sitesOf(
  { queue, isParent }: Pick<JobType, 'queue' | 'isParent'>,
  params: Record<string, unknown>,
): string[] {
  if (queue === 'here' && !isParent) return [];
  if (typeof params.site === 'string') return [params.site];
  return Array.isArray(params.sites) ? params.sites.map(String) : [];
}

/** The site whose queue a job waits in; none for the queue that belongs to no site. */
export function siteOfQueue(
  { queue, worksHere }: Pick<JobType, 'queue' | 'worksHere'>,
  params: Record<string, unknown>,
): string | undefined {
  if (worksHere?.(params)) return undefined;
  const { site } = params;
  return (queue === 'site' || queue === 'either') && typeof site === 'string' ? site : undefined;
}

function parseInputs(params: z.ZodObject, raw: unknown): Record<string, unknown> {
  const { data, error } = params.safeParse(raw);
  if (data) return data as Record<string, unknown>;
  // A schema that was extended may run a check of the first one twice.
  const errors = withoutTwins(error.issues.flatMap((issue) => toFaults(issue)));
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
