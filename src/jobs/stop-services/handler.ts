import type { JobContext } from '../job-type.ts';
import { changeEach, countOutcomes, selectServices, warnOfSystem } from '../service-batch.ts';
import { planFor } from '../service-plan.ts';
import { wasRunning } from '../service-resume.ts';
import { stopOne } from '../service-steps.ts';
import type { StopServicesParams, StopServicesResult } from './schema.ts';

export async function stopServices(
  params: StopServicesParams,
  context: JobContext,
): Promise<StopServicesResult> {
  const site = context.sites.get(params.site);
  const { services } = await selectServices(site, params.services, context, params);
  await warnOfSystem(site, services, context);
  if (params.dryRun) return { ...planFor(services, 'STOPPED', context), resume: [] };
  const outcomes = await changeEach(
    {
      site,
      services,
      continues: params.onFailure === 'continue',
      carryOut: (one, place) => context.step(stopOne(place), one),
    },
    context,
  );
  return {
    ...countOutcomes(outcomes, context),
    resume: outcomes.filter(wasRunning).map(({ service }) => service),
  };
}
