import { z } from 'zod';
import { batchInputs, batchOutputs, OnFailure } from '../service-batch.ts';
import { ServiceSelection, SiteName } from '../service-selection.ts';

export const StopServicesParams = z
  .strictObject({
    site: SiteName,
    services: ServiceSelection,
    onFailure: OnFailure,
    ...batchInputs,
  })
  .meta({ id: 'StopServicesInputs' });
export type StopServicesParams = z.output<typeof StopServicesParams>;

export const StopServicesResult = z
  .object({
    ...batchOutputs,
    resume: z
      .array(z.string())
      .describe(
        'Services that ran and were stopped by this job: `start-services` with `resume` and the id of this job starts exactly these',
      ),
  })
  .meta({ id: 'StopServicesResults' });
export type StopServicesResult = z.output<typeof StopServicesResult>;
