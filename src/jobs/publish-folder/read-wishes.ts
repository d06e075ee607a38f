import { siteNamesOf } from '../data-store-selection.ts';
import type { ChildWish } from '../job-children.ts';
import type { JobContext } from '../job-type.ts';
import { findPlan } from './folder-plan.ts';
import { readSource } from './read-source.ts';
import type { PublishFolderParams } from './schema.ts';
import { SourceRefusedError } from './source-errors.ts';
import { toWish } from './to-wish.ts';

/** One child per definition and site. */
export async function readWishes(
  params: PublishFolderParams,
  context: JobContext,
): Promise<ChildWish[]> {
  const { step, storage, jobId, warn } = context;
  await step(readSource, { ...context, params, warn });
  const plan = await findPlan(storage, jobId);
  if (!plan) throw new SourceRefusedError('The plan of this job is not there any more.');
  const sites = siteNamesOf(params);
  return plan.flatMap((service) => sites.map((site) => toWish(service, site, params)));
}
