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

/** How many inputs are read at a time. */
const inputsAtOnce = 4;

/**
 * The site jobs that were given this upload, of whichever publishing tools. `none` only when all lists could be
 * read to their end; `refused` when our account may not see one of them.
 */
export async function findSiteJobsOfItem(
  site: Site,
  item: { itemId: string } | string,
  { task = publishTask, input = 'in_sdp_id', ...options }: CallOptions & Partial<ItemUse> = {},
): Promise<SiteJobSearch> {
  const itemId = typeof item === 'string' ? item : item.itemId;
  const use = { task, input };
  const siteJobs: SiteJob[] = [];
  const refusals: string[][] = [];
  for (const name of publishingToolsNames) {
    try {
      const refs = await listSiteJobs(site, name, options);
      for (const ref of await withInput(site, refs, { itemId, ...use }, options)) {
        siteJobs.push(await readSiteJob(site, { ...ref, task }, options));
      }
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
      for (const status of atWork)
        for (const job of await listSiteJobs(site, name, { ...options, status }))
          found.set(`${name} ${job.siteJobId}`, job);
    } catch (error) {
      if (!isNotFound(error) || name !== 'PublishingToolsEx') throw error;
    }
  }
  return [...found.values()].filter(
    ({ status }) => status === undefined || atWork.includes(status),
  );
}

const pageSize = 100;
const maxPages = 100;
const JobPage = z.looseObject({
  results: z.record(z.string(), JsonObjectShape),
  nextStart: NumberLike.optional(),
});

/** @see Esri, "GP jobs: Query"; a page begins at `start`, counted from 1, and the last one names no next */
async function listSiteJobs(
  site: Site,
  tools: PublishingToolsName,
  { signal, status }: CallOptions & { status?: string },
): Promise<ListedSiteJob[]> {
  const to = `list the jobs of ${tools}`;
  const path = [...toAdminPath(publishingToolsTarget(tools)), 'jobs', 'query'];
  const jobs = new Map<string, ListedSiteJob>();
  let start = 1;
  for (let page = 0; page < maxPages; page += 1) {
    const params = { start, number: pageSize, ...(status !== undefined && { status }) };
    const json = await site.client.read('admin', path, { to, params, signal });
    const { results, nextStart = -1 } = parseAnswer(JobPage, json, {
      site: site.name,
      to,
      kind: 'read',
    });
    for (const [siteJobId, listed] of Object.entries(results)) {
      jobs.set(siteJobId, toListedJob({ siteJobId, tools }, listed));
    }
    if (nextStart <= start) return [...jobs.values()];
    start = nextStart;
  }
  throw new SiteError(`${site.name} lists more than ${maxPages * pageSize} jobs of ${tools}.`, {
    site: site.name,
  });
}

async function withInput(
  site: Site,
  refs: readonly ListedSiteJob[],
  { itemId, task, input }: ItemUse & { itemId: string },
  options: CallOptions,
): Promise<ListedSiteJob[]> {
  const found: ListedSiteJob[] = [];
  for (let first = 0; first < refs.length; first += inputsAtOnce) {
    const some = refs.slice(first, first + inputsAtOnce);
    const inputs = await Promise.all(
      some.map((ref) => readItemIdOf(site, { ...ref, task }, { input, ...options })),
    );
    found.push(...some.filter((_, index) => inputs[index] === itemId));
  }
  return found;
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
