import type { ServiceState } from '../../sites/service-states.ts';
import { toText } from '../../sites/service-target.ts';
import type { Site } from '../../sites/sites.ts';
import type { JobContext } from '../job-type.ts';
import { changeEach, countOutcomes, selectServices } from '../service-batch.ts';
import { planFor } from '../service-plan.ts';
import { findStoppedBefore } from '../service-resume.ts';
import { startOne } from '../service-steps.ts';
import type { StartServicesParams, StartServicesResult } from './schema.ts';

export async function startServices(
  params: StartServicesParams,
  context: JobContext,
): Promise<StartServicesResult> {
  const site = context.sites.get(params.site);
  const { services, didNotRun } = await whatToStart(params, site, context);
  if (params.dryRun) return planFor(services, 'STARTED', context);
  const outcomes = await changeEach(
    {
      site,
      services,
      continues: params.onFailure === 'continue',
      carryOut: (one, place) =>
        context.step(startOne(place), {
          ...one,
          mayStayDown: didNotRun.includes(toText(one.target)),
        }),
    },
    context,
  );
  return countOutcomes(outcomes, context);
}

async function whatToStart(
  { services, resume, site: siteName, ifNoneMatch }: StartServicesParams,
  site: Site,
  context: JobContext,
): Promise<{ services: ServiceState[]; didNotRun: string[] }> {
  if (services)
    return { ...(await selectServices(site, services, context, { ifNoneMatch })), didNotRun: [] };
  const stopped = await context.step(findStoppedBefore, {
    jobId: resume ?? '',
    site: siteName,
    context,
    ifNoneMatch,
  });
  if (stopped.services.length === 0) return { services: [], didNotRun: [] };
  const found = await selectServices(site, { names: stopped.services }, context, {
    mayBeMissing: true,
  });
  for (const name of found.missing)
    await context.warn(`${name} was stopped by that job and is not on ${siteName} any more.`);
  return { services: found.services, didNotRun: stopped.didNotRun };
}
