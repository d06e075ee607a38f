import { z } from 'zod';
import { RequestError, type RequestFault } from '../lib/errors.ts';
import { refuseBothSites } from './data-store-selection.ts';
import type { ChildrenResult } from './job-children.ts';
import type { Acceptance, JobContext, JobType } from './job-type.ts';
import { uploadIdsOf } from './upload-inputs.ts';

export const SiteName = z.string().min(1).max(63);

/** How several sites are named in place of `site`. */
export const Sites = z
  .array(SiteName)
  .min(1)
  .max(50)
  .superRefine((names, check) => {
    for (const [at, name] of names.entries())
      if (names.indexOf(name) !== at)
        check.addIssue({ code: 'custom', path: [at], message: `names the site ${name} twice` });
  })
  .optional()
  .describe(
    'Names of several sites in place of `site`: the job then has one child for each of them. Exactly one of `site` and `sites` is sent',
  );

export type OnSites = { sites: string[] } & Record<string, unknown>;

/** The inputs of a job on one site as callers see them: `site`, or `sites` in its place. */
export function withSites(params: z.ZodObject): z.ZodObject {
  const { site, ...others } = params.shape as { site: z.ZodType } & z.ZodRawShape;
  const hasOwnChecks = (params.def.checks?.length ?? 0) > 0;
  return z
    .strictObject({
      site: site.optional().describe(site.description ?? 'Name of a configured site'),
      sites: Sites,
      ...others,
    })
    .superRefine(({ sites, ...one }, check) => {
      if ((one.site === undefined) === (sites === undefined)) {
        refuseBothSites({ site: one.site as string | undefined, sites }, check);
        return;
      }
      // What stands between the members of the inputs is checked there; each for itself it has been, but the site's name.
      if (!hasOwnChecks && !sites) return;
      const checked = hasOwnChecks ? params : z.looseObject({ site });
      const { error } = checked.safeParse({ ...one, site: one.site ?? sites?.[0] });
      for (const { path, ...issue } of error?.issues ?? []) {
        const place = path[0] === 'site' && sites ? ['sites', 0, ...path.slice(1)] : path;
        const moved = { ...issue, path: place, input: one };
        check.addIssue(moved as Parameters<typeof check.addIssue>[0]);
      }
    })
    .meta({ ...params.meta(), oneOf: [{ required: ['site'] }, { required: ['sites'] }] });
}

/** Whether this request for a job on one site names several of them. */
export function isOnSites(
  { queue, worksHere }: Pick<JobType, 'queue' | 'worksHere'>,
  params: unknown,
): params is OnSites {
  const isForMany = Array.isArray((params as { sites?: unknown } | null)?.sites);
  return queue === 'site' && isForMany && !worksHere?.(params as OnSites);
}

function toOneSite({ sites: _, ...others }: OnSites, site: string | undefined) {
  return { ...others, site };
}

export function toFirstSite(params: OnSites): Record<string, unknown> {
  return toOneSite(params, params.sites[0]);
}

/**
 * What one site does not take is refused for all of them, and all that do not take it are named. The parent itself
 * locks nothing.
 *
 * @throws RequestError with the faults of every site
 */
export function acceptOnSites(
  params: OnSites,
  acceptOne: (params: unknown, site: string) => Acceptance,
): Acceptance {
  const refusals: RequestError[] = [];
  const warnings = params.sites.flatMap((site, at) => {
    try {
      const { warnings: own } = acceptOne(toOneSite(params, site), site);
      return own.map((warning) => `${site}: ${warning}`);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      refusals.push(atSite(error, at));
      return [];
    }
  });
  const [first] = refusals;
  if (!first) return { locks: [], warnings };
  const faults = refusals.flatMap((refusal) => faultsOf(refusal));
  const texts = [...new Set(refusals.map(({ message }) => message))];
  throw new RequestError(first.code, texts.join(' '), {
    cause: first,
    headers: first.headers,
    errors: withoutTwins(faults),
  });
}

function faultsOf({ facts }: RequestError): RequestFault[] {
  return Array.isArray(facts.errors) ? (facts.errors as RequestFault[]) : [];
}

/** Whoever sent `sites` has no `site` in the request. */
function atSite(error: RequestError, at: number): RequestError {
  const errors = faultsOf(error).map((fault) =>
    fault.pointer === '#/inputs/site' ? { ...fault, pointer: `#/inputs/sites/${at}` } : fault,
  );
  return new RequestError(error.code, error.message, {
    cause: error,
    headers: error.headers,
    errors,
  });
}

/** Sites say the same of what is wrong with the request itself. */
export function withoutTwins(faults: RequestFault[]): RequestFault[] {
  const texts = faults.map((fault) => JSON.stringify(fault));
  return faults.filter((_, at) => texts.indexOf(texts[at] ?? '') === at);
}

/** One child per site. The file was taken in once, and every child holds it. */
export async function runOnSites(
  jobType: JobType,
  params: OnSites,
  context: JobContext,
): Promise<ChildrenResult> {
  const { children, uploads } = context;
  const forSite = await jobType.prepareSites?.(params, context);
  const files = await Promise.all(
    uploadIdsOf(jobType, params).map(async ({ uploadId }) => uploads.find(uploadId)),
  );
  const digest = files.map((file) => file?.sha256 ?? '').join(',');
  const { count, kept } = await children(
    params.sites.map((site) => ({
      key: site,
      jobType,
      inputs: { ...toOneSite(params, site), ...forSite?.(site) },
      ...(digest !== '' && { digest }),
    })),
  );
  return { childCount: count, keptCount: kept };
}
