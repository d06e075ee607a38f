import type { ServiceState } from '../../sites/service-states.ts';
import type { JobContext } from '../job-type.ts';
import {
  changeEach,
  countOutcomes,
  selectServices,
  toPlanned,
  warnOfSystem,
} from '../service-batch.ts';
import { isIn, type OneService, type ServiceOutcome } from '../service-change.ts';
import { type Place, startAgain, stopOne } from '../service-steps.ts';
import type { RestartServicesParams, RestartServicesResult } from './schema.ts';

const staysStopped = 'It is stopped, and stays so: start-services starts it.';

export async function restartServices(
  params: RestartServicesParams,
  context: JobContext,
): Promise<RestartServicesResult> {
  const site = context.sites.get(params.site);
  const { services } = await selectServices(site, params.services, context, params);
  await warnOfSystem(site, services, context);
  if (params.dryRun) return countOutcomes(services.map(plan), context);
  const outcomes = await changeEach(
    {
      site,
      services,
      continues: params.onFailure === 'continue',
      carryOut: (one, place) => restart(one, place, context),
    },
    context,
  );
  return countOutcomes(outcomes, context);
}

function plan(service: ServiceState): ServiceOutcome {
  if (!isIn(service, 'STOPPED')) return toPlanned(service, { isDue: true });
  return toPlanned(service, { isDue: false, message: staysStopped });
}

/** One after the other, so that no more than one service is away at a time. */
async function restart(
  one: OneService,
  place: Place,
  { step }: JobContext,
): Promise<ServiceOutcome> {
  const stopped = await step(stopOne(place), one);
  if (stopped.outcome === 'already') return { ...stopped, messages: [staysStopped] };
  if (stopped.outcome === 'failed') return stopped;
  const started = await step(startAgain(place), one);
  const { before } = stopped;
  return {
    ...started,
    messages: [...stopped.messages, ...started.messages],
    ...(before && { before }),
  };
}
