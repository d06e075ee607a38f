import { uploadIdOf } from '../file-link.ts';
import type { ChildWish } from '../job-children.ts';
import type { JobContext } from '../job-type.ts';
import { readWishes } from '../publish-folder/read-wishes.ts';
import { openPublishing } from '../publish-service-definition/handler.ts';
import { publishServiceDefinitionJob } from '../publish-service-definition/job-type.ts';
import type { Publishing } from '../publish-service-definition/publishing-context.ts';
import { defineStep } from '../step.ts';
import { planAll } from './plan-all.ts';
import { planOne } from './plan-one.ts';
import {
  isForMany,
  type PublishPlanParams,
  type PublishPlanResult,
  ServicePlan,
  toFolderParams,
  toPublishParams,
} from './schema.ts';

/** Reads only: nothing is taken up again, and there is nothing to put back. */
export async function publishPlan(
  params: PublishPlanParams,
  context: JobContext,
): Promise<PublishPlanResult> {
  if (isForMany(params)) {
    const wishes = params.source
      ? await readWishes(toFolderParams(params), context)
      : await toWishes(params, context);
    const plan = await context.step(planAll, { ...context, wishes });
    return { ...plan, warnings: context.warnings() };
  }
  const publishing = await openPublishing(toPublishParams(params), context);
  const plan = await context.step(look, publishing);
  return { ...plan, warnings: context.warnings() };
}

/** As the parent of such a publish makes them. */
async function toWishes(
  { sites = [], ...params }: PublishPlanParams,
  { uploads }: JobContext,
): Promise<ChildWish[]> {
  const each = sites.map((site) => ({ site, inputs: toPublishParams({ ...params, site }) }));
  const link = each[0]?.inputs.serviceDefinition;
  const upload = link && (await uploads.find(uploadIdOf(link, [])));
  return each.map(({ site, inputs }) => ({
    key: site,
    jobType: publishServiceDefinitionJob,
    inputs,
    digest: upload?.sha256 ?? '',
  }));
}

const look = defineStep<Publishing, ServicePlan>({
  name: 'plan',
  title: 'Looking at the site and the definition',
  share: [0, 99],
  result: ServicePlan,
  act: async (publishing, { signal }) => {
    const { plan } = await planOne(publishing, signal);
    return { ...plan, warnings: [] };
  },
});
