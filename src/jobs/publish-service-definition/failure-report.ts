import { z } from 'zod';
import { GatewayError } from '../../lib/errors.ts';
import { type Problem, toProblem } from '../../lib/problem.ts';
import { siteLooksIllRow } from '../../sites/circumstance-rows.ts';
import {
  type Explanation,
  explainFailure,
  type FailureEvidence,
} from '../../sites/failure-explainer.ts';
import { toText } from '../../sites/service-target.ts';
import { findService, readServiceStatus } from '../../sites/services.ts';
import { isRefusal, type SiteFailure } from '../../sites/site-errors.ts';
import type { LogLine } from '../../sites/site-logs.ts';
import type { FailureReport, JobContext } from '../job-type.ts';
import type { PutBack } from '../step.ts';
import { copiedDatasets } from './acceptance.ts';
import { SiteJobOutcome } from './await-site-job.ts';
import { readCircumstances, readMachineNames } from './circumstances.ts';
import { openPublishing } from './handler.ts';
import { Decision, type Publishing } from './publishing-context.ts';
import { readServerLog } from './read-server-log.ts';
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
  'unknown_role',
  'not_restorable',
  'plan_changed',
  'conflict',
  'unreadable_document',
  'site_insufficient_privilege',
]);

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
    : await readServerLog(publishing, context, siteJobIdOf(facts, context));
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
  const evidence = toEvidence(publishing, { problem, facts, error, logs, live }, context);
  if (beforeTheSite.has(problem.code)) return { problem, evidence };
  const { facts: more, ...circumstances } = await readCircumstances(
    publishing,
    { ...evidence, facts, isRefusal: isRefusal(error) },
    context.signal,
  );
  return { problem, evidence: { ...withFacts(evidence, more), ...circumstances } };
}

function withFacts(evidence: FailureEvidence, more: Record<string, unknown>): FailureEvidence {
  const { error } = evidence;
  return error
    ? { ...evidence, error: { ...error, facts: { ...error.facts, ...more } } }
    : evidence;
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
  const siteJobId = siteJobIdOf(facts, context);
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
    hasNothingToReplace: decision?.action === 'create' && definition.publishType === 'Replacement',
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

function siteJobIdOf(facts: Record<string, unknown>, context: JobContext): string | undefined {
  if (typeof facts.siteJobId === 'string') return facts.siteJobId;
  const { data: outcome } = SiteJobOutcome.safeParse(context.recordedResult('await'));
  return outcome?.siteJobId;
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

async function conclude(
  publishing: Publishing,
  { problem, evidence }: Evidence,
  putBack: PutBack,
  context: JobContext,
): Promise<Problem> {
  const liveService = await lookAtLiveService(publishing, context.signal);
  const { row, cause, certainty, again, nextStep, alternatives, seen } = await explain(
    publishing,
    withPutBack(evidence, putBack),
    context,
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

/** What nothing explains may be the site's doing: several services in a row say so, and hold it. */
async function explain(
  publishing: Publishing,
  evidence: FailureEvidence,
  { siteTroubles, signal }: JobContext,
): Promise<Explanation> {
  const explanation = explainFailure(evidence);
  const { site, step, service } = evidence;
  if (explanation.row !== 0 || service === undefined) return explanation;
  const { services: recentFailures, withinMs } = await siteTroubles.note(site, { step, service });
  const machines = await readMachineNames(publishing, signal);
  const circumstances = { recentFailures, withinMs, ...(machines.length > 0 && { machines }) };
  const better = explainFailure(withFacts(evidence, circumstances));
  if (better.row === siteLooksIllRow) await siteTroubles.hold(site, better.cause);
  return better;
}

/** What was put back belongs to the explanation; the state that explains the failure is the one before. */
function withPutBack(evidence: FailureEvidence, { done, failed }: PutBack): FailureEvidence {
  if (done.length + failed.length === 0) return evidence;
  const notes = [...done, ...failed.map((note) => `not put back: ${note}`)];
  return withFacts(evidence, { putBack: notes.join('; ') });
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
