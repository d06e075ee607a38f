import { z } from 'zod';
import {
  type JsonObject,
  JsonObject as JsonObjectShape,
  NumberLike,
  parseAnswer,
} from './answer-shapes.ts';
import {
  type PublishingToolsName,
  publishingToolsNames,
  publishingToolsTarget,
} from './publishing-tools.ts';
import { toAdminPath, toRestPath } from './service-target.ts';
import type { CallOptions } from './site-client.ts';
import { isNotFound, isRefusal, SiteError } from './site-errors.ts';
import {
  isFinalStatus,
  type ListedSiteJob,
  type SiteJob,
  type SiteJobRef,
  toForgottenJob,
  toListedJob,
  toSiteJob,
} from './site-job.ts';
import type { Site } from './sites.ts';

const publishTask = 'Publish Service Definition';

export type PublishingRequest = {
  itemId: string;
  /** The whole document of the definition with changes; what a site makes of a part is not verified. */
  serviceConfiguration?: JsonObject;
};

/**
 * Has the site publish an uploaded definition. The site job goes on by itself.
 *
 * @throws OutcomeUnknownError when no whole answer came: look with `findSiteJobsOfItem` before asking again
 * @see Esri, "Publish Service Definition (System/PublishingTools)"
 */
export async function submitPublishing(
  site: Site,
  tools: { name: PublishingToolsName } | PublishingToolsName,
  { itemId, serviceConfiguration }: PublishingRequest,
  { signal }: CallOptions = {},
): Promise<SiteJob> {
  const name = typeof tools === 'string' ? tools : tools.name;
  const to = `publish the upload ${itemId}`;
  const params = {
    in_sdp_id: itemId,
    in_config_overwrite: serviceConfiguration && JSON.stringify(serviceConfiguration),
  };
  const path = [...toRestPath(publishingToolsTarget(name)), publishTask, 'submitJob'];
  const json = await site.client.change('rest', path, { to, params, signal });
  return toSiteJob(json, { tools: name }, { site: site.name, to, kind: 'change' });
}

/** A site job is not asked for more often than this, also where the line was cut in between. */
const politeMs = 500;

/** Where the site job stands now. A job that the site no longer knows comes back as `isForgotten`. */
export async function readSiteJob(
  site: Site,
  ref: SiteJobRef,
  { signal }: CallOptions = {},
): Promise<SiteJob> {
  const to = `tell where the site job ${ref.siteJobId} stands`;
  const params = { returnMessages: true };
  try {
    const call = { to, params, signal, resendAfterMs: politeMs };
    const json = await site.client.read('rest', toJobPath(ref), call);
    return toSiteJob(json, ref, { site: site.name, to, kind: 'read' });
  } catch (error) {
    if (isForgotten(error)) return toForgottenJob(ref);
    throw error;
  }
}

/**
 * Asks the site to end a job. It may not do so, and a service may come of it all the same: read the job until
 * it is final, then look at the service.
 *
 * @see Esri, "Cancel GP Job"
 */
export async function cancelSiteJob(
  site: Site,
  ref: SiteJobRef,
  { signal }: CallOptions = {},
): Promise<SiteJob> {
  const to = `cancel the site job ${ref.siteJobId}`;
  try {
    const json = await site.client.change('rest', [...toJobPath(ref), 'cancel'], { to, signal });
    return toSiteJob(json, ref, { site: site.name, to, kind: 'change' });
  } catch (error) {
    if (isForgotten(error)) return toForgottenJob(ref);
    throw error;
  }
}

export type SiteJobSearch =
  | { kind: 'found'; siteJobs: SiteJob[] }
  | { kind: 'none' }
  | { kind: 'refused'; siteMessages: string[] };

/** The task that was given an upload, and the input that names it. */
type ItemUse = { task: string; input: string };

/**
 * Which site job was given which upload, as far as that was seen before. A site job never gets another one, and a
 * site lists its jobs for hours: without this each of them is asked what it was given, whenever one is looked for.
 */
export type SiteJobItems = {
  /** The uploads of those that are known, by the id of the site job. */
  find: (site: string, siteJobIds: string[]) => Promise<ReadonlyMap<string, string>>;
  keep: (site: string, items: ReadonlyMap<string, string>) => Promise<void>;
};

const nothingKnown: SiteJobItems = { find: async () => new Map(), keep: async () => {} };

/** How many inputs are read at a time. */
const inputsAtOnce = 4;

/**
 * The site jobs that were given this upload, of whichever publishing tools. `none` only when all lists could be
 * read to their end; `refused` when our account may not see one of them.
 */
export async function findSiteJobsOfItem(
  site: Site,
  item: { itemId: string } | string,
  {
    task = publishTask,
    input = 'in_sdp_id',
    known = nothingKnown,
    ...options
  }: CallOptions & Partial<ItemUse> & { known?: SiteJobItems | undefined } = {},
): Promise<SiteJobSearch> {
  const itemId = typeof item === 'string' ? item : item.itemId;
  const use = { task, input, itemId, known };
  const siteJobs: SiteJob[] = [];
  const refusals: string[][] = [];
  for (const name of publishingToolsNames) {
    try {
      const found = new Map<string, ListedSiteJob>();
      for await (const page of listPages(site, name, options))
        for (const ref of await withItem(site, page, use, options)) found.set(ref.siteJobId, ref);
      for (const ref of found.values())
        siteJobs.push(await readSiteJob(site, { ...ref, task }, options));
    } catch (error) {
      if (isNotFound(error) && name === 'PublishingToolsEx') continue; // older sites have no such twin
      if (!isRefusal(error)) throw error;
      refusals.push(error.siteMessages);
    }
  }
  if (siteJobs.length > 0) return { kind: 'found', siteJobs };
  return refusals.length > 0
    ? { kind: 'refused', siteMessages: refusals.flat() }
    : { kind: 'none' };
}

/** Site jobs of anybody that have not ended, so that a wait can be explained. A refusal is thrown. */
export async function listOutstandingSiteJobs(
  site: Site,
  options: CallOptions = {},
): Promise<ListedSiteJob[]> {
  const outstanding: ListedSiteJob[] = [];
  for (const name of publishingToolsNames) {
    try {
      const jobs = await listSiteJobs(site, name, options);
      outstanding.push(
        ...jobs.filter(({ status }) => status !== undefined && !isFinalStatus(status)),
      );
    } catch (error) {
      if (!isNotFound(error) || name !== 'PublishingToolsEx') throw error;
    }
  }
  return outstanding;
}

const atWork = ['esriJobExecuting', 'esriJobWaiting'];

/** The same by fewer words: only what keeps an instance busy, or waits for one. A refusal is thrown. */
export async function listSiteJobsAtWork(
  site: Site,
  options: CallOptions = {},
): Promise<ListedSiteJob[]> {
  const found = new Map<string, ListedSiteJob>(); // a site may pass over the status: then each comes twice
  for (const name of publishingToolsNames) {
    try {
      for (const status of atWork) {
        const jobs = await listSiteJobs(site, name, { ...options, status });
        for (const job of jobs) found.set(`${name} ${job.siteJobId}`, job);
        if (jobs.some((job) => job.status !== undefined && job.status !== status)) break; // those were all
      }
    } catch (error) {
      if (!isNotFound(error) || name !== 'PublishingToolsEx') throw error;
    }
  }
  return [...found.values()].filter(
    ({ status }) => status === undefined || atWork.includes(status),
  );
}

const pageSize = 100;
/** Of what a busy site keeps for six hours, several times as much. */
const maxPages = 1_000;
const JobPage = z.looseObject({
  results: z.record(z.string(), JsonObjectShape),
  nextStart: NumberLike.optional(),
});

async function listSiteJobs(
  site: Site,
  tools: PublishingToolsName,
  options: CallOptions & { status?: string },
): Promise<ListedSiteJob[]> {
  const jobs = new Map<string, ListedSiteJob>(); // one that ends meanwhile moves the others on
  for await (const page of listPages(site, tools, options))
    for (const job of page) jobs.set(job.siteJobId, job);
  return [...jobs.values()];
}

/** @see Esri, "GP jobs: Query"; a page begins at `start`, counted from 1, and the last one names no next */
async function* listPages(
  site: Site,
  tools: PublishingToolsName,
  { signal, status }: CallOptions & { status?: string },
): AsyncGenerator<ListedSiteJob[]> {
  const to = `list the jobs of ${tools}`;
  const path = [...toAdminPath(publishingToolsTarget(tools)), 'jobs', 'query'];
  let start = 1;
  for (let page = 0; page < maxPages; page += 1) {
    const params = { start, number: pageSize, ...(status !== undefined && { status }) };
    const json = await site.client.read('admin', path, { to, params, signal });
    const { results, nextStart = -1 } = parseAnswer(JobPage, json, {
      site: site.name,
      to,
      kind: 'read',
    });
    yield Object.entries(results).map(([siteJobId, listed]) =>
      toListedJob({ siteJobId, tools }, listed),
    );
    if (nextStart <= start) return;
    start = nextStart;
  }
  throw new SiteError(`${site.name} lists more than ${maxPages * pageSize} jobs of ${tools}.`, {
    site: site.name,
  });
}

/** Those of a page that were given the upload. What was learned is kept page by page: a crash loses little of it. */
async function withItem(
  site: Site,
  refs: readonly ListedSiteJob[],
  { itemId, task, input, known }: ItemUse & { itemId: string; known: SiteJobItems },
  options: CallOptions,
): Promise<ListedSiteJob[]> {
  const items = new Map(
    await known.find(
      site.name,
      refs.map(({ siteJobId }) => siteJobId),
    ),
  );
  const learned = new Map<string, string>();
  const unknown = refs.filter(({ siteJobId }) => !items.has(siteJobId));
  for (let first = 0; first < unknown.length; first += inputsAtOnce) {
    const some = unknown.slice(first, first + inputsAtOnce);
    const inputs = await Promise.all(
      some.map((ref) => readItemIdOf(site, { ...ref, task }, { input, ...options })),
    );
    for (const [at, { siteJobId }] of some.entries()) {
      const found = inputs[at];
      if (found !== undefined) learned.set(siteJobId, found);
    }
  }
  await known.keep(site.name, learned);
  return refs.filter(
    ({ siteJobId }) => (items.get(siteJobId) ?? learned.get(siteJobId)) === itemId,
  );
}

const InputAnswer = z.looseObject({ value: z.unknown() });

/** Undefined for a job that is none of ours to see, or that went meanwhile. */
async function readItemIdOf(
  site: Site,
  ref: SiteJobRef,
  { input, signal }: CallOptions & { input: string },
): Promise<string | undefined> {
  const to = `tell what the site job ${ref.siteJobId} was given`;
  try {
    const path = [...toJobPath(ref), 'inputs', input];
    const json = await site.client.read('rest', path, { to, signal });
    const { value } = parseAnswer(InputAnswer, json, { site: site.name, to, kind: 'read' });
    return typeof value === 'string' ? value : undefined;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

export function toJobPath({ tools, siteJobId, task = publishTask }: SiteJobRef): string[] {
  return [...toRestPath(publishingToolsTarget(tools)), task, 'jobs', siteJobId];
}

/** What a site says about a job that it no longer knows is not verified: a "not found" that is not the tools'. */
function isForgotten(error: unknown): boolean {
  if (!(error instanceof SiteError) || error.httpStatus === undefined) return false;
  const words = error.siteMessages.join(' ');
  if (/^service .* not (found|started)/i.test(words)) return false;
  if (error.siteCode === 404) return true;
  return (
    /\bjob\b/i.test(words) && /not found|not exist|invalid|unknown|expired|no longer/i.test(words)
  );
}
