import { z } from 'zod';
import { type ErrorCode, GatewayError } from '../lib/errors.ts';
import { type Problem, toProblem } from '../lib/problem.ts';
import { explainFailure, type FailureEvidence } from '../sites/failure-explainer.ts';
import { findStatus } from '../sites/service-states.ts';
import { parseTarget } from '../sites/service-target.ts';
import type { ServiceStatus } from '../sites/services.ts';
import type { SiteFailure } from '../sites/site-errors.ts';
import { type LogLine, readLogs } from '../sites/site-logs.ts';
import { readClockSkewMs } from '../sites/site-reader.ts';
import type { Site } from '../sites/sites.ts';
import type { FailureReport, JobContext } from './job-type.ts';
import { ServiceOutcome } from './service-change.ts';
import type { PutBack } from './step.ts';

type Evidence = {
  problem: Problem;
  /** Missing where Pressroom itself refused: the site has nothing to tell about that. */
  evidence?: FailureEvidence;
  services: ServiceOutcome[];
  isKept: boolean;
};

/** What Pressroom refuses by itself, and what to do then. */
const ownRefusals: Record<string, (site: string) => string> = {
  nothing_matched: listsWhatIsThere,
  not_found: listsWhatIsThere,
  conflict: () => 'Read what stands against it, and send a request that avoids it.',
  unknown_role: () => 'Send a role that the site has, or have an administrator make it.',
  unregistered_data: () =>
    'Register the folder or store above it with register-folder or register-data-store; or send referencedData=warn, should the account that runs the site be able to read it.',
  service_exists: () => 'Send ifExists=skip to leave it as it is, or another serviceName.',
};

function listsWhatIsThere(site: string): string {
  return `GET /v1/sites/${site}/services lists what is there; dryRun=true tells what would be done.`;
}

const windowMs = 5_000;
const mostLogLines = 50;

/** What a failed job about services tells: a line for each service, and of the first that failed all that is known. */
export function reportServiceFailure({ site }: { site: string }): FailureReport<unknown> {
  return {
    investigate: (error, context) => investigate(context.sites.get(site), error, context),
    conclude: (evidence, putBack, context) =>
      conclude(context.sites.get(site), evidence as Evidence, { putBack, context }),
  };
}

/** A batch names the code of what ended it. */
function codeOf({ code, reason }: Problem): string {
  return typeof reason === 'string' ? reason : code;
}

/** Lines keep what a job type adds to them. */
const Table = z.object({ services: z.array(ServiceOutcome.loose()) });

async function investigate(site: Site, error: unknown, context: JobContext): Promise<Evidence> {
  const problem = toProblem(error);
  const facts = error instanceof GatewayError ? error.facts : {};
  const services = Table.safeParse(facts).data?.services ?? [];
  const isKept = context.recordedResult('keep') !== undefined;
  const code = codeOf(problem);
  if (code in ownRefusals) return { problem, services, isKept };
  const service = typeof facts.service === 'string' ? facts.service : undefined;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { siteCode, httpStatus, siteMessages } = cause as Partial<SiteFailure>;
  const logs = await readLogOf(site, service, context);
  const status = await lookNow(site, service, context);
  const evidence: FailureEvidence = {
    site: site.name,
    step: (context.currentStep() ?? 'check').split(':')[0] ?? 'check',
    error: {
      code: code as ErrorCode,
      message: problem.detail ?? problem.title,
      facts: { maxStartupTimeSeconds: facts.maxStartupTimeSeconds },
      siteMessages: siteMessages ?? asTexts(facts.siteMessages),
      ...(siteCode !== undefined && { siteCode }),
      ...(httpStatus !== undefined && { httpStatus }),
    },
    messages: [],
    logLines: logs.lines,
    account: site.config.auth.username,
    ...(service && { service }),
    ...(logs.unreadable && { logsUnreadable: logs.unreadable }),
    ...(status.kind === 'seen' && {
      liveService: { isListed: status.state !== undefined, ...status.state },
    }),
    elapsedMs: context.elapsedMs(),
  };
  return { problem, evidence, services, isKept };
}

function asTexts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

async function readLogOf(
  site: Site,
  service: string | undefined,
  context: JobContext,
): Promise<{ lines: LogLine[]; unreadable?: string }> {
  if (service === undefined) return { lines: [] };
  const { signal } = context;
  try {
    const skewMs = (await readClockSkewMs(site, { signal })) ?? 0;
    await context.pause(context.timing.logSettleMs); // a site writes its log a little late
    const window = {
      fromMs: context.startedMs() + skewMs - windowMs,
      toMs: Date.now() + skewMs + windowMs,
      level: 'WARNING',
      services: [service],
    } as const;
    return { lines: (await readLogs(site, window, { signal })).slice(-mostLogLines) };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { lines: [], unreadable: error.message };
  }
}

type Looked = { kind: 'seen'; state: ServiceStatus | undefined } | { kind: 'unseen'; why: string };

async function lookNow(
  site: Site,
  service: string | undefined,
  { signal }: JobContext,
): Promise<Looked> {
  const target = service === undefined ? undefined : parseTarget(service);
  if (!target) return { kind: 'unseen', why: 'no service is meant' };
  try {
    return { kind: 'seen', state: await findStatus(site, target, { signal }) };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { kind: 'unseen', why: error.message };
  }
}

async function conclude(
  site: Site,
  { problem, evidence, services, isKept }: Evidence,
  { putBack, context }: { putBack: PutBack; context: JobContext },
): Promise<Problem> {
  const table = services.map((each) => asPutBack(each, { putBack, isKept }));
  const plain = { ...problem, site: site.name, ...(services.length > 0 && { services: table }) };
  if (!evidence) {
    return {
      ...plain,
      again: 'never',
      nextStep: (ownRefusals[codeOf(problem)] ?? listsWhatIsThere)(site.name),
    };
  }
  const { row, cause, certainty, again, nextStep, alternatives, seen } = explainFailure(evidence);
  const now = await lookNow(site, evidence.service, context);
  return {
    ...plain,
    step: evidence.step,
    cause,
    certainty,
    ...(alternatives && { alternatives }),
    again,
    nextStep,
    knownAs: row,
    seen,
    siteMessages: evidence.error?.siteMessages ?? [],
    serverLog: evidence.logLines.map(({ timeMs, level, source, message }) => ({
      time: new Date(timeMs).toISOString(),
      level,
      source,
      message,
    })),
    ...(evidence.logsUnreadable && { serverLogUnreadable: evidence.logsUnreadable }),
    liveService:
      now.kind === 'seen'
        ? { isListed: now.state !== undefined, ...now.state }
        : { unreadable: now.why },
    wasRestored: putBack.failed.length === 0,
  };
}

/** The table was written before anything was put back. */
function asPutBack(
  line: ServiceOutcome,
  { putBack, isKept }: { putBack: PutBack; isKept: boolean },
): ServiceOutcome {
  if (line.outcome !== 'done' || isKept) return line;
  const isLeft = putBack.failed.some((note) => note.includes(line.service));
  return isLeft ? line : { ...line, outcome: 'put-back' };
}
