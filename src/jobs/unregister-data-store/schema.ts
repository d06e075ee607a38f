import { z } from 'zod';
import {
  refuseBothSelections,
  refuseBothSites,
  selectionInputs,
  siteInputs,
} from '../data-store-selection.ts';

export const UnregisterDataStoreParams = z
  .strictObject({
    ...siteInputs,
    ...selectionInputs,
    force: z
      .boolean()
      .default(false)
      .describe('Also where services use the item: they stop working at their next start'),
  })
  .superRefine(refuseBothSites)
  .superRefine(refuseBothSelections)
  .superRefine(({ items, match }, check) => {
    if (items || match?.types || match?.name) return;
    check.addIssue({ code: 'custom', path: ['items'], message: 'say which: items, or match' });
  })
  .meta({ id: 'UnregisterDataStoreInputs' });
export type UnregisterDataStoreParams = z.output<typeof UnregisterDataStoreParams>;

export const UnregisterDataStoreResult = z
  .object({
    items: z.array(
      z.object({
        site: z.string(),
        path: z.string(),
        outcome: z
          .enum(['unregistered', 'absent'])
          .describe('`absent`: it was not there in the first place'),
        services: z
          .array(z.string())
          .describe('Services that used it, as far as their manifests tell'),
      }),
    ),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'UnregisterDataStoreResults' });
export type UnregisterDataStoreResult = z.output<typeof UnregisterDataStoreResult>;
