import { GatewayError } from '../lib/errors.ts';
import { type Problem, toProblem } from '../lib/problem.ts';
import { redactDeep } from '../lib/redact.ts';
import { isSameLogin, readConnectionFacts } from '../sites/connection-strings.ts';
import { type DataStoreEvidence, explainDataStoreFailure } from '../sites/data-store-failures.ts';
import { findWholeItem, findWholeItems, isSamePath } from '../sites/data-store-reader.ts';
import { findServicesOn, readSiteData } from '../sites/data-store-uses.ts';
import { explainFailure } from '../sites/failure-explainer.ts';
import type { SiteFailure } from '../sites/site-errors.ts';
import type { Site } from '../sites/sites.ts';
import { type DataStoreItemView, toView } from './data-store-item.ts';
import type { FailureReport, JobContext } from './job-type.ts';
import type { PutBack } from './step.ts';

type Subject = {
  site?: string | undefined;
  path?: string | undefined;
  /** Where the recipe judges what its steps have found. */
  judgesIn?: string;
};
type Evidence = { problem: Problem; evidence: DataStoreEvidence };

/** What a failed job about data tells: the site's words, the likely cause, what to do, and the item as it is now. */
export function reportDataStoreFailure(subject: Subject): FailureReport<unknown> {
  return {
    investigate: (error, context) => investigate(subject, error, context),
    conclude: (evidence, putBack, context) =>
      conclude(subject, evidence as Evidence, { putBack, context }),
  };
}

async function investigate(
  subject: Subject,
  error: unknown,
  context: JobContext,
): Promise<Evidence> {
  const problem = toProblem(error);
  const facts = error instanceof GatewayError ? error.facts : {};
  const site = subject.site ?? text(facts.site) ?? '';
  const item = facts.item as DataStoreItemView | undefined;
  const { siteCode, httpStatus } = error as Partial<SiteFailure>;
  const uses =
    problem.code === 'data_store_invalid' && item && site
      ? await findUsers(context.sites.get(site), item, context.signal)
      : undefined;
  const evidence: DataStoreEvidence = {
    site,
    step: context.currentStep() ?? subject.judgesIn ?? 'check',
    error: {
      code: problem.code as never,
      message: problem.detail ?? problem.title,
      facts,
      ...(Array.isArray(facts.siteMessages) && { siteMessages: facts.siteMessages as string[] }),
      ...(siteCode !== undefined && { siteCode }),
      ...(httpStatus !== undefined && { httpStatus }),
    },
    messages: [],
    logLines: [],
    ...(text(facts.account) && { account: text(facts.account) as string }),
    ...(text(facts.privilege) && { privilege: text(facts.privilege) as string }),
    dataStore: {
      path: item?.path ?? subject.path ?? '',
      ...(item && { type: item.type }),
      ...(text(facts.place) && { place: text(facts.place) as string }),
      ...(text(facts.lastValidAt) && { lastValidAt: text(facts.lastValidAt) as string }),
      ...(Array.isArray(facts.differsIn) && { differsIn: facts.differsIn as string[] }),
      ...(Array.isArray(facts.services) ? { services: facts.services as string[] } : uses),
      ...(Array.isArray(facts.machines) && { machines: facts.machines as [] }),
    },
  };
  return { problem, evidence: redactDeep(evidence) as DataStoreEvidence };
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

/** Services that read the item, and other items of the same login. */
async function findUsers(
  site: Site,
  item: DataStoreItemView,
  signal: AbortSignal,
): Promise<{ services: string[]; items: string[] } | undefined> {
  try {
    const services = findServicesOn(item, await readSiteData(site, { signal }));
    return { services, items: await findSameLogins(site, item, signal) };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return undefined; // it would only have been one fact more
  }
}

async function findSameLogins(
  site: Site,
  { path, type, info }: DataStoreItemView,
  signal: AbortSignal,
): Promise<string[]> {
  const text = info.connectionString;
  if (type !== 'egdb' || typeof text !== 'string') return [];
  const login = readConnectionFacts(text);
  const items = await findWholeItems(site, { types: ['egdb'] }, { signal });
  return items
    .filter((item) => !isSamePath(item.path, path))
    .filter((item) => {
      const facts = readConnectionFacts(String(item.info.connectionString));
      return facts.host !== undefined && isSameLogin(facts, login);
    })
    .map((item) => item.path);
}

async function conclude(
  subject: Subject,
  { problem, evidence }: Evidence,
  { putBack, context }: { putBack: PutBack; context: JobContext },
): Promise<Problem> {
  const about = explainDataStoreFailure(evidence);
  const general = explainFailure(evidence);
  const { cause, certainty, again, nextStep, alternatives } = about ?? general;
  return {
    ...problem,
    ...(evidence.site && { site: evidence.site }),
    step: evidence.step,
    cause,
    certainty,
    again,
    nextStep,
    ...(alternatives && { alternatives }),
    knownAs: about?.row ?? general.row,
    ...(evidence.dataStore.services && { services: evidence.dataStore.services }),
    siteMessages: evidence.error?.siteMessages ?? [],
    ...(await lookAtItem(subject, context)),
    wasRestored: putBack.failed.length === 0,
  };
}

async function lookAtItem(
  { site, path }: Subject,
  { sites, signal }: JobContext,
): Promise<{ itemNow?: unknown }> {
  if (site === undefined || path === undefined) return {};
  try {
    const held = await findWholeItem(sites.get(site), path, { signal });
    return { itemNow: held ? { isRegistered: true, ...toView(held) } : { isRegistered: false } };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { itemNow: { unreadable: error.message } };
  }
}
