import { z } from 'zod';
import { GatewayError } from '../../lib/errors.ts';
import { type Problem, toProblem } from '../../lib/problem.ts';
import { explainFailure, type FailureEvidence } from '../../sites/failure-explainer.ts';
import { toText } from '../../sites/service-target.ts';
import { findService, readServiceStatus } from '../../sites/services.ts';
import type { SiteFailure } from '../../sites/site-errors.ts';
import { type LogLine, readLogs } from '../../sites/site-logs.ts';
import { readClockSkewMs } from '../../sites/site-reader.ts';
import type { FailureReport, JobContext } from '../job-type.ts';
import type { PutBack } from '../step.ts';
import { copiedDatasets } from './acceptance.ts';
import { SiteJobOutcome } from './await-site-job.ts';
import { openPublishing } from './handler.ts';
import { Decision, type Publishing } from './publishing-context.ts';
import { ReferencedData } from './registered-data.ts';
import type { PublishServiceDefinitionParams } from './schema.ts';

type Evidence = { problem: Problem; evidence: FailureEvidence };
type LiveState = { isListed: boolean; configuredState?: string; realTimeState?: string };
type Looked = { kind: 'seen'; state: LiveState } | { kind: 'unseen'; why: string };

/** Codes of failures in which the site made nothing: its log has nothing to tell about them. */
const beforeTheSite = new Set([
  'service_exists',
  'hosted_definition',
  'incompatible_runtime',
  'copied_data_refused',
  'unregistered_data',
  'not_restorable',
  'plan_changed',
  'conflict',
  'unreadable_document',
  'site_insufficient_privilege',
]);
const windowMs = 5_000;
const mostLogLines = 50;

type Open = (context: JobContext) => Promise<Publishing>;

/** What a failed publish tells its caller: the site's words, its log, the likely cause, what to do next. */
export function reportFailure(params: PublishServiceDefinitionParams): FailureReport<unknown> {
  return reportFailureOf((context) => openPublishing(params, context));
}

/** The same for whatever else leads to a publish. */
export function reportFailureOf(open: Open): FailureReport<unknown> {
  return {
    investigate: async (error, context) => investigate(await open(context), error, context),
    conclude: async (evidence, putBack, context) =>
      conclude(await open(context), evidence as Evidence, putBack, context),
  };
}

async function investigate(
  publishing: Publishing,
  error: unknown,
  context: JobContext,
): Promise<Evidence> {
  const problem = toProblem(error);
  const facts = error instanceof GatewayError ? error.facts : {};
  const logs = beforeTheSite.has(problem.code)
    ? { lines: [] }
    : await readServerLog(publishing, context);
  for (const line of logs.lines) {
    const level = line.level === 'SEVERE' ? 'error' : line.level === 'WARNING' ? 'warning' : 'info';
    await context.log.add({
      level,
      source: 'server-log',
      message: `${line.source}: ${line.message}`,
      timeMs: line.timeMs,
    });
  }
  const live = await lookAtLiveService(publishing, context.signal);
  return {
    problem,
    evidence: toEvidence(publishing, { problem, facts, error, logs, live }, context),
  };
}

type Found = {
  problem: Problem;
  facts: Record<string, unknown>;
  error: unknown;
  logs: { lines: LogLine[]; unreadable?: string };
  live: Looked;
};

function toEvidence(
  { site, definition, upload, wanted }: Publishing,
  found: Found,
  context: JobContext,
): FailureEvidence {
  const { problem, facts, error, logs, live } = found;
  const { data: decision } = Decision.safeParse(context.recordedResult('check'));
  const text = (name: string) =>
    typeof facts[name] === 'string' ? (facts[name] as string) : undefined;
  const { siteCode, httpStatus } = error as Partial<SiteFailure>;
  const { data: outcome } = SiteJobOutcome.safeParse(context.recordedResult('await'));
  const siteJobId = text('siteJobId') ?? outcome?.siteJobId;
  const jobStatus =
    text('jobStatus') ?? (outcome?.kind === 'succeeded' ? 'esriJobSucceeded' : undefined);
  return {
    site: site.name,
    step: context.currentStep() ?? 'check',
    error: {
      code: problem.code as never,
      message: problem.detail ?? problem.title,
      facts,
      ...(Array.isArray(facts.siteMessages) && { siteMessages: facts.siteMessages as string[] }),
      ...(siteCode !== undefined && { siteCode }),
      ...(httpStatus !== undefined && { httpStatus }),
    },
    messages: Array.isArray(facts.messages) ? (facts.messages as FailureEvidence['messages']) : [],
    logLines: logs.lines,
    service: toText(wanted),
    account: decision?.account ?? site.config.auth.username,
    replaceMethod: site.config.replaceMethod,
    manifestWasRewritten: decision?.method === 'manifest',
    definition: {
      type: definition.type,
      runtime: definition.runtime,
      isHosted: definition.isHosted,
      publishType: definition.publishType,
      sizeBytes: upload.sizeBytes,
      datasets: definition.databases
        .filter((each) => !each.isCopied)
        .flatMap((each) => each.datasets.map(({ name }) => name)),
      connections: definition.databases.filter((each) => !each.isCopied).map(({ name }) => name),
      copiedDatasets: copiedDatasets(definition),
      extensions: definition.extensions
        .filter((each) => each.isEnabled)
        .map((each) => each.typeName),
    },
    ...(siteJobId && { siteJobId }),
    ...(jobStatus && { jobStatus }),
    ...(decision?.privilege && { privilege: decision.privilege }),
    ...(decision?.version && { version: decision.version }),
    ...(decision?.tools && { maxUsageTimeSeconds: decision.tools.maxUsageTimeSeconds }),
    ...(decision?.isDataCopyBlocked !== undefined && { blockDataCopy: decision.isDataCopyBlocked }),
    ...toNearest(facts, decision),
    ...(logs.unreadable && { logsUnreadable: logs.unreadable }),
    ...(typeof facts.redirectsTo === 'string' && { redirectTo: facts.redirectsTo }),
    elapsedMs: context.elapsedMs(),
    ...(live.kind === 'seen' && {
      liveService: {
        ...live.state,
        ...(decision?.action === 'replace' && { wasReplaced: hasPassedSubmit(context) }),
      },
    }),
  };
}

/** Of what the definition refers to and the site has not registered. */
function toNearest(
  facts: Record<string, unknown>,
  decision: Decision | undefined,
): Pick<FailureEvidence, 'nearestItem'> {
  const { data: refused } = z.array(ReferencedData).safeParse(facts.unregistered);
  const found = (refused ?? decision?.referencedData ?? []).find(({ nearest }) => nearest);
  return found?.nearest ? { nearestItem: found.nearest } : {};
}

/**
 * Three sources belong to a publish: the publishing tools, the service itself, and the site without a
 * filter. A site writes its log a little late, so it is read twice.
 */
async function readServerLog(
  publishing: Publishing,
  context: JobContext,
): Promise<{ lines: LogLine[]; unreadable?: string }> {
  const { site, wanted } = publishing;
  const { signal } = context;
  const lines = new Map<string, LogLine>();
  try {
    const skewMs = (await readClockSkewMs(site, { signal })) ?? 0;
    const fromMs = context.startedMs() + skewMs - windowMs;
    const sources = [
      ['System/PublishingTools.GPServer', 'System/PublishingToolsEx.GPServer'],
      [toText(wanted)],
      undefined,
    ];
    for (const isLast of [false, true]) {
      const toMs = Date.now() + skewMs + windowMs;
      for (const services of sources) {
        const read = await readLogs(
          site,
          { fromMs, toMs, level: 'WARNING', ...(services && { services }) },
          { signal },
        );
        for (const line of read) lines.set(`${line.timeMs} ${line.source} ${line.message}`, line);
      }
      if (!isLast) await context.pause(context.timing.logSettleMs);
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { lines: newestLines(lines), unreadable: error.message };
  }
  return { lines: newestLines(lines) };
}

function newestLines(lines: Map<string, LogLine>): LogLine[] {
  return [...lines.values()].sort((a, b) => a.timeMs - b.timeMs).slice(-mostLogLines);
}

async function conclude(
  publishing: Publishing,
  { problem, evidence }: Evidence,
  putBack: PutBack,
  context: JobContext,
): Promise<Problem> {
  const liveService = await lookAtLiveService(publishing, context.signal);
  const { row, cause, certainty, again, nextStep, alternatives, seen } = explainFailure(
    withPutBack(evidence, putBack),
  );
  const { messages: _, ...kept } = problem;
  return {
    ...kept,
    site: evidence.site,
    step: evidence.step,
    service: evidence.service,
    cause,
    certainty,
    ...(alternatives && { alternatives }),
    again,
    nextStep,
    knownAs: row,
    seen,
    ...(evidence.siteJobId && { siteJobId: evidence.siteJobId }),
    ...(evidence.jobStatus && { jobStatus: evidence.jobStatus }),
    siteMessages: evidence.error?.siteMessages ?? [],
    serverLog: evidence.logLines.map(({ timeMs, level, source, message, machine }) => ({
      time: new Date(timeMs).toISOString(),
      level,
      source,
      message,
      ...(machine && { machine }),
    })),
    ...(evidence.logsUnreadable && { serverLogUnreadable: evidence.logsUnreadable }),
    liveService: liveService.kind === 'seen' ? liveService.state : { unreadable: liveService.why },
    wasRestored: putBack.failed.length === 0,
  };
}

/** What was put back belongs to the explanation; the state that explains the failure is the one before. */
function withPutBack(evidence: FailureEvidence, { done, failed }: PutBack): FailureEvidence {
  if (!evidence.error || done.length + failed.length === 0) return evidence;
  const facts = {
    ...evidence.error.facts,
    putBack: [...done, ...failed.map((note) => `not put back: ${note}`)].join('; '),
  };
  return { ...evidence, error: { ...evidence.error, facts } };
}

/** True once the site was told to publish: from then on it may have touched the live service. */
function hasPassedSubmit(context: JobContext): boolean {
  return context.recordedResult('submit') !== undefined;
}

async function lookAtLiveService(
  { site, wanted }: Publishing,
  signal: AbortSignal,
): Promise<Looked> {
  try {
    const found = await findService(site, wanted, { signal });
    if (!found) return { kind: 'seen', state: { isListed: false } };
    return {
      kind: 'seen',
      state: { isListed: true, ...(await readServiceStatus(site, found, { signal })) },
    };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { kind: 'unseen', why: error.message };
  }
}
