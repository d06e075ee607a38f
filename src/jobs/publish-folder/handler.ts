import type { JobContext } from '../job-type.ts';
import { bindToPlan } from '../publish-plan/check-plan.ts';
import { readWishes } from './read-wishes.ts';
import type { PublishFolderParams, PublishFolderResult } from './schema.ts';

/** One child per definition and site. */
export async function publishFolder(
  params: PublishFolderParams,
  context: JobContext,
): Promise<PublishFolderResult> {
  const { children, warnings } = context;
  const wishes = await bindToPlan(await readWishes(params, context), params.ifPlanIs, context);
  const { count, kept } = await children(wishes, { onFailure: params.onFailure });
  return { childCount: count, keptCount: kept, warnings: warnings() };
}
