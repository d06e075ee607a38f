import { z } from 'zod';
import { redactSecrets } from '../lib/redact.ts';
import { type JsonObject, lenient, NumberLike, parseAnswer, TextLike } from './answer-shapes.ts';
import { type PublishingToolsName, publishingToolsNames } from './publishing-tools.ts';
import type { Asked } from './site-failures.ts';

/** Where a site job is found again. */
export type SiteJobRef = {
  siteJobId: string;
  tools: PublishingToolsName;
  /** Default: the task that publishes. */
  task?: string;
};

/** The same as a record keeps it, of a task that the recipe knows. */
export const KnownSiteJob = z.object({
  siteJobId: z.string(),
  tools: z.enum(publishingToolsNames),
});

export type SiteJobMessage = { type: 'informative' | 'warning' | 'error' | 'other'; text: string };

/** The geoprocessing job that a site runs while it publishes. */
export type SiteJob = SiteJobRef & {
  /** The site's word, such as `esriJobExecuting`; one that we do not know counts as running. */
  status: string;
  isFinal: boolean;
  isSucceeded: boolean;
  messages: SiteJobMessage[];
  /** How long it took by the site's own words, where those are known. */
  elapsedMs?: number;
  progressPercent?: number;
  progressMessage?: string;
  /**
   * The site no longer knows the job, six hours after its end by default. Final, but no word about how it
   * ended: look at the service.
   */
  isForgotten?: true;
};

const finalStatuses = new Set([
  'esriJobSucceeded',
  'esriJobFailed',
  'esriJobTimedOut',
  'esriJobCancelled',
  'esriJobDeleted',
]);

export function isFinalStatus(status: string): boolean {
  return finalStatuses.has(status);
}

const JobAnswer = z.looseObject({
  jobStatus: z.string(),
  messages: lenient(z.array(z.looseObject({ type: TextLike, description: TextLike })).nullable()),
  progress: lenient(z.looseObject({ message: TextLike, percent: lenient(NumberLike) }).nullable()),
});

const SubmitAnswer = z.looseObject({ jobId: z.string().min(1) });

/** @see Esri, "GP Job" */
export function toSiteJob(
  json: unknown,
  { siteJobId, tools }: { siteJobId?: string; tools: PublishingToolsName },
  asked: Asked,
): SiteJob {
  const answer = parseAnswer(JobAnswer, json, asked);
  const { jobStatus: status, progress } = answer;
  const elapsedMs = findElapsedMs(answer.messages?.at(-1)?.description);
  return {
    siteJobId: siteJobId ?? parseAnswer(SubmitAnswer, json, asked).jobId,
    tools,
    status,
    isFinal: isFinalStatus(status),
    isSucceeded: status === 'esriJobSucceeded',
    messages: (answer.messages ?? []).map(({ type, description }) => ({
      type: toMessageType(type),
      text: redactSecrets(description ?? ''),
    })),
    ...(elapsedMs !== undefined && { elapsedMs }),
    ...(progress?.percent !== undefined && { progressPercent: progress.percent }),
    ...(progress?.message !== undefined && { progressMessage: redactSecrets(progress.message) }),
  };
}

export function toForgottenJob({ siteJobId, tools }: SiteJobRef): SiteJob {
  return {
    siteJobId,
    tools,
    status: 'unknown',
    isFinal: true,
    isSucceeded: false,
    isForgotten: true,
    messages: [],
  };
}

/** As in `Succeeded at … (Elapsed Time: 23.10 seconds)`; of longer ones, and in other languages, the words are not known. */
function findElapsedMs(text: string | undefined): number | undefined {
  const [, seconds] = /\(Elapsed Time: (\d+\.\d+) seconds\)$/.exec(text ?? '') ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

/** Some clients know more kinds than the schema names; those are `other`. */
function toMessageType(type: string | undefined): SiteJobMessage['type'] {
  switch (type?.replace(/^esriJobMessageType/, '')) {
    case 'Informative':
      return 'informative';
    case 'Warning':
      return 'warning';
    case 'Error':
    case 'Abort':
      return 'error';
    default:
      return 'other';
  }
}

/** A site job as the administrator's list shows it; which keys it has is not verified. */
export type ListedSiteJob = SiteJobRef & {
  status?: string;
  username?: string;
  submittedAtMs?: number;
  json: JsonObject;
};

const ListedJob = z.looseObject({
  status: TextLike,
  jobStatus: TextLike,
  userName: TextLike,
  username: TextLike,
  submitTime: lenient(NumberLike),
  submittedTime: lenient(NumberLike),
  startTime: lenient(NumberLike),
});

export function toListedJob(ref: SiteJobRef, json: JsonObject): ListedSiteJob {
  const { data: listed } = ListedJob.safeParse(json);
  const status = listed?.jobStatus ?? listed?.status;
  const username = listed?.userName ?? listed?.username;
  const submittedAtMs = listed?.submitTime ?? listed?.submittedTime ?? listed?.startTime;
  return {
    ...ref,
    json,
    ...(status !== undefined && { status }),
    ...(username !== undefined && { username }),
    ...(submittedAtMs !== undefined && { submittedAtMs }),
  };
}
