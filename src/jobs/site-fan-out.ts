import { z } from 'zod';
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
  .refine((names) => new Set(names).size === names.length, 'names a site twice')
  .optional()
  .describe(
    'Names of several sites in place of `site`: the job then has one child for each of them. Exactly one of `site` and `sites` is sent',
  );

type OnSites = { sites: string[] } & Record<string, unknown>;

/** The inputs of a job on one site as callers see them: `site`, or `sites` in its place. */
export function withSites(params: z.ZodObject): z.ZodObject {
  const { site, ...others } = params.shape as { site: z.ZodType } & z.ZodRawShape;
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
      // What stands between the members of the inputs is checked there.
      const { error } = params.safeParse({ ...one, site: one.site ?? sites?.[0] });
      for (const issue of error?.issues ?? [])
        check.addIssue({ ...issue, input: one } as Parameters<typeof check.addIssue>[0]);
    })
    .meta({ ...params.meta(), oneOf: [{ required: ['site'] }, { required: ['sites'] }] });
}

/** Whether this request for a job on one site names several of them. */
export function isOnSites({ queue }: Pick<JobType, 'queue'>, params: unknown): params is OnSites {
  return queue === 'site' && Array.isArray((params as { sites?: unknown } | null)?.sites);
}

function toOneSite({ sites: _, ...others }: OnSites, site: string | undefined) {
  return { ...others, site };
}

export function toFirstSite(params: OnSites): Record<string, unknown> {
  return toOneSite(params, params.sites[0]);
}

/** What no site takes is refused for all of them. The parent itself locks nothing. */
export function acceptOnSites(
  params: OnSites,
  acceptOne: (params: unknown, site: string) => Acceptance,
): Acceptance {
  const warnings = params.sites.flatMap((site) =>
    acceptOne(toOneSite(params, site), site).warnings.map((warning) => `${site}: ${warning}`),
  );
  return { locks: [], warnings };
}

/** One child per site. The file was taken in once, and every child holds it. */
export async function runOnSites(
  jobType: JobType,
  params: OnSites,
  { children, uploads }: Pick<JobContext, 'children' | 'uploads'>,
): Promise<ChildrenResult> {
  const files = await Promise.all(
    uploadIdsOf(jobType, params).map(async ({ uploadId }) => uploads.find(uploadId)),
  );
  const digest = files.map((file) => file?.sha256 ?? '').join(',');
  const { count, kept } = await children(
    params.sites.map((site) => ({
      key: site,
      jobType,
      inputs: toOneSite(params, site),
      ...(digest !== '' && { digest }),
    })),
  );
  return { childCount: count, keptCount: kept };
}
