import type { Acceptance, AcceptanceFacts } from '../job-type.ts';
import { acceptSource } from '../publish-folder/accept-source.ts';
import { acceptPublishing } from '../publish-service-definition/acceptance.ts';
import { isForMany, type PublishPlanParams, toFolderParams, toPublishParams } from './schema.ts';

/** Refuses what can never be published; what hangs on a site is told by the plan, of each of many. */
export function acceptPlan(params: PublishPlanParams, facts: AcceptanceFacts): Acceptance {
  if (params.source !== undefined) {
    return acceptSource(toFolderParams(params), facts);
  }
  const [site = params.site] = params.sites ?? [];
  const { warnings } = acceptPublishing(toPublishParams({ ...params, site }), facts);
  return { locks: [], warnings: isForMany(params) ? [] : warnings };
}
