import { z } from 'zod';
import {
  refuseBothSelections,
  refuseBothSites,
  selectionInputs,
  siteInputs,
} from '../data-store-selection.ts';
import { DataStoreValidation } from '../data-store-validations.ts';

export const ValidateDataStoresParams = z
  .strictObject({ ...siteInputs, ...selectionInputs })
  .superRefine(refuseBothSites)
  .superRefine(refuseBothSelections)
  .meta({ id: 'ValidateDataStoresInputs' });
export type ValidateDataStoresParams = z.output<typeof ValidateDataStoresParams>;

export const ValidatedItem = DataStoreValidation.omit({ isValid: true }).extend({
  site: z.string(),
  path: z.string(),
  type: z.string().optional(),
  isValid: z
    .boolean()
    .nullable()
    .describe('null: our account is not shown enough of the item to have it validated'),
});
export type ValidatedItem = z.output<typeof ValidatedItem>;

export const ValidateDataStoresResult = z
  .object({
    items: z.array(ValidatedItem),
    valid: z.int(),
    invalid: z.int(),
    unknown: z.int(),
    unreachedSites: z
      .array(z.object({ site: z.string(), reason: z.string() }))
      .describe('Sites that could not be asked'),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'ValidateDataStoresResults' });
export type ValidateDataStoresResult = z.output<typeof ValidateDataStoresResult>;
