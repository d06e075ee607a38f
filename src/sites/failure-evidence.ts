import type { Again, ErrorCode } from '../lib/errors.ts';

/** What was seen around a failure. Everything optional may be missing: a site tells what it likes. */
export type FailureEvidence = {
  site: string;
  /** check, upload, configure, folder, submit, await, verify, clean-up */
  step: string;
  error?: {
    code: ErrorCode;
    message: string;
    siteMessages?: string[];
    siteCode?: number;
    httpStatus?: number;
    facts?: Record<string, unknown>;
  };
  jobStatus?: string;
  siteJobId?: string;
  messages: { type: string; text: string }[];
  logLines: FailureLogLine[];
  /** `Folder/Name.Type` */
  service?: string;
  account?: string;
  /** `ADMINISTER`, `PUBLISH` or `ACCESS` */
  privilege?: string;
  version?: string;
  siteMode?: string;
  definition?: {
    type: string;
    runtime: string;
    isHosted: boolean;
    publishType: string;
    sizeBytes: number;
    datasets: string[];
    connections: string[];
    copiedDatasets: string[];
    extensions: string[];
  };
  liveService?: {
    isListed: boolean;
    configuredState?: string;
    realTimeState?: string;
    wasReplaced?: boolean;
  };
  nearestItem?: { path: string; differsIn: string[] };
  elapsedMs?: number;
  maxUsageTimeSeconds?: number;
  otherJobs?: number;
  replaceMethod?: string;
  manifestWasRewritten?: boolean;
  /** Staged to replace a service, and there was none of that name. */
  hasNothingToReplace?: boolean;
  uploadDigestMatches?: boolean;
  blockDataCopy?: boolean;
  /** Why the log could not be read: role, level or window. */
  logsUnreadable?: string;
  serverHeader?: string;
  redirectTo?: string;
  certificate?: { names: string[]; issuer?: string; validTo?: string };
};

export type FailureLogLine = {
  timeMs: number;
  level: string;
  message: string;
  source: string;
  machine?: string;
  code?: number;
};

export type Explanation = {
  /** Number of the row in the table of known failures; 0 for what is not recognised. */
  row: number;
  cause: string;
  certainty: 'documented' | 'most often' | 'not recognised';
  again: Again;
  nextStep: string;
  /** Other causes, likeliest first, each with the check that tells it apart. */
  alternatives?: string[];
  /** Where it happened, the first and last log line, and what stands on the site now. */
  seen: string[];
};

/** What a row of the table says; the explainer adds the rest. */
export type Told = Omit<Explanation, 'row' | 'seen'>;

/** One failure that is known, and what to say about it. */
export type FailureRow = {
  row: number;
  matches: (it: FailureEvidence) => boolean;
  explain: (it: FailureEvidence) => Told;
};

/** One finding of the analyzers. Codes have five digits, errors below 10000. */
export type Finding = { code: string; layer?: string; message?: string };

/** Ids of geoprocessing errors begin with 0; the unspecified error is 999999. */
const errorIdPattern = /(?<![\p{Script=Latin}\d.:])(0\d{5}|999999)\s*[:：]/u;

/** The error texts of a chain in order: the site job's, the refusal's, then log lines about our job. */
export function errorTexts(it: FailureEvidence): string[] {
  const { siteJobId } = it;
  const ofOurJob = siteJobId ? it.logLines.filter((line) => line.message.includes(siteJobId)) : [];
  return [
    ...it.messages.filter(({ type }) => /error|abort/i.test(type)).map(({ text }) => text),
    ...(it.error?.siteMessages ?? []),
    ...(it.error ? [it.error.message] : []),
    ...ofOurJob.map(({ message }) => message),
  ];
}

/** The first six-digit id is the cause; the later ones repeat it (Esri, "Upload Service Definition"). */
export function firstErrorId(it: FailureEvidence): string | undefined {
  for (const text of errorTexts(it)) {
    const id = errorIdPattern.exec(text)?.[1];
    if (id) return id;
  }
  return undefined;
}

/** For rows that only make sense when nothing more specific was said than "could not be created". */
export function hasNoIdBut(it: FailureEvidence, ...ids: string[]): boolean {
  const first = firstErrorId(it);
  return first === undefined || ids.includes(first);
}

/** Literal texts that are documented or were quoted from real sites, in English installations only. */
export function says(it: FailureEvidence, literal: string | RegExp): boolean {
  return errorTexts(it).some((text) =>
    typeof literal === 'string' ? text.includes(literal) : literal.test(text),
  );
}

export function siteCodeOf(it: FailureEvidence): number | undefined {
  const code = it.error?.siteCode ?? it.error?.facts?.siteCode;
  return typeof code === 'number' ? code : undefined;
}

export function httpStatusOf(it: FailureEvidence): number | undefined {
  const status = it.error?.httpStatus ?? it.error?.facts?.httpStatus;
  return typeof status === 'number' ? status : undefined;
}

export function isRefusedBy(it: FailureEvidence, ...codes: ErrorCode[]): boolean {
  return it.error !== undefined && codes.includes(it.error.code);
}

export function isAt(it: FailureEvidence, ...steps: string[]): boolean {
  return steps.includes(it.step);
}

/** ArcGIS itself answers in JSON; anything else comes from what stands before it. */
export function isForeignAnswer(it: FailureEvidence): boolean {
  return (
    typeof it.error?.facts?.answerExcerpt === 'string' || says(it, /<!doctype html|<html[\s>]/i)
  );
}

/** Where a request was redirected to; empty when it was not. */
export function redirectTargetOf(it: FailureEvidence): string {
  return it.redirectTo ?? fact(it, 'redirectsTo');
}

/** A fact that a step handed over, as text; empty when there is none. */
export function fact(it: FailureEvidence, name: string): string {
  const value = it.error?.facts?.[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export function factList(it: FailureEvidence, name: string): string[] {
  const value = it.error?.facts?.[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

export function isArcMap(it: FailureEvidence): boolean {
  return it.definition?.runtime === 'ArcMap';
}

/**
 * True from that release on; false when the site's version is not known. REST writes 10.9.1 as 10.91 in
 * `currentVersion`.
 */
export function isSiteFrom(it: FailureEvidence, release: string): boolean {
  const ours = toReleaseParts(it.version ?? '');
  if (ours.some(Number.isNaN)) return false;
  const wanted = toReleaseParts(release);
  const at = [0, 1, 2].find((index) => (ours[index] ?? 0) !== (wanted[index] ?? 0));
  return at === undefined || (ours[at] ?? 0) > (wanted[at] ?? 0);
}

function toReleaseParts(release: string): number[] {
  const parts = release.replace(/^10\.(\d)(\d)$/, '10.$1.$2').split('.');
  return parts.map((part) => (part === '' ? Number.NaN : Number(part)));
}

const startingSteps = ['verify', 'start', 'edit', 'create'];

export function siteJobFailed(it: FailureEvidence): boolean {
  return it.jobStatus === 'esriJobFailed';
}

export function startedInVain({ step, liveService }: FailureEvidence): boolean {
  return (
    startingSteps.includes(step) &&
    liveService?.configuredState === 'STARTED' &&
    liveService.realTimeState === 'STOPPED'
  );
}
