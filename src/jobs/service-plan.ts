import type { ServiceState } from '../sites/service-states.ts';
import type { JobContext } from './job-type.ts';
import { countOutcomes, toPlanned } from './service-batch.ts';
import { isIn, type ServiceOutcome } from './service-change.ts';

/** What a dry run of a start or a stop tells. */
export function planFor(
  services: readonly ServiceState[],
  wanted: 'STARTED' | 'STOPPED',
  context: JobContext,
): ReturnType<typeof countOutcomes> {
  const planned: ServiceOutcome[] = services.map((each) =>
    toPlanned(each, { isDue: !isIn(each, wanted) }),
  );
  return countOutcomes(planned, context);
}
