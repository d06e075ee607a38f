import { uploadIdOf } from '../file-link.ts';
import type { JobContext, JobType } from '../job-type.ts';
import type { PublishServiceDefinitionParams } from '../publish-service-definition/schema.ts';
import { bindToPlan } from './check-plan.ts';

/** One definition on several sites: begun only if it is as planned on all of them, and each bound to its own plan. */
export async function planSites(
  jobType: JobType,
  { ifPlanIs, ...params }: PublishServiceDefinitionParams,
  { sites, context }: { sites: readonly string[]; context: JobContext },
): Promise<(site: string) => Record<string, unknown>> {
  if (ifPlanIs === undefined) return () => ({});
  const upload = await context.uploads.find(uploadIdOf(params.serviceDefinition, []));
  const wishes = sites.map((site) => ({
    key: site,
    jobType,
    inputs: { ...params, site },
    digest: upload?.sha256 ?? '',
  }));
  const bound = await bindToPlan(wishes, ifPlanIs, context);
  const digests = new Map(bound.map(({ key, inputs }) => [key, inputs.ifPlanIs]));
  return (site) => ({ ifPlanIs: digests.get(site) });
}
