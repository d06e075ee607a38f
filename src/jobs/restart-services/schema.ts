import { z } from 'zod';
import { batchInputs, batchOutputs, OnFailure } from '../service-batch.ts';
import { ServiceSelection, SiteName } from '../service-selection.ts';

export const RestartServicesParams = z
  .strictObject({
    site: SiteName,
    services: ServiceSelection,
    onFailure: OnFailure,
    ...batchInputs,
  })
  .meta({ id: 'RestartServicesInputs' });
export type RestartServicesParams = z.output<typeof RestartServicesParams>;

export const RestartServicesResult = z.object(batchOutputs).meta({ id: 'RestartServicesResults' });
export type RestartServicesResult = z.output<typeof RestartServicesResult>;
