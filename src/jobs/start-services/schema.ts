import { z } from 'zod';
import { batchInputs, batchOutputs, OnFailure } from '../service-batch.ts';
import { ServiceSelection, SiteName } from '../service-selection.ts';

export const StartServicesParams = z
  .strictObject({
    site: SiteName,
    services: ServiceSelection.optional(),
    resume: z
      .uuid()
      .optional()
      .describe(
        'Id of a stop-services job, in place of `services`: exactly what it stopped is started again',
      ),
    onFailure: OnFailure,
    ...batchInputs,
  })
  .superRefine(({ services, resume }, check) => {
    if ((services === undefined) !== (resume === undefined)) return;
    const message = 'send exactly one of services and resume';
    check.addIssue({ code: 'custom', path: ['services'], message });
  })
  .meta({ id: 'StartServicesInputs' });
export type StartServicesParams = z.output<typeof StartServicesParams>;

export const StartServicesResult = z.object(batchOutputs).meta({ id: 'StartServicesResults' });
export type StartServicesResult = z.output<typeof StartServicesResult>;
