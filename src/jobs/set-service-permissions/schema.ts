import { z } from 'zod';
import { batchInputs, batchOutputs, OnFailure } from '../service-batch.ts';
import { ServiceOutcome } from '../service-change.ts';
import { checkPermissions, PermissionChange, permissionMembers } from '../service-permissions.ts';
import { ServiceSelection, SiteName } from '../service-selection.ts';

export const SetServicePermissionsParams = z
  .strictObject({
    site: SiteName,
    services: ServiceSelection,
    ...permissionMembers,
    onFailure: OnFailure,
    ...batchInputs,
  })
  .superRefine(checkPermissions)
  .meta({ id: 'SetServicePermissionsInputs' });
export type SetServicePermissionsParams = z.output<typeof SetServicePermissionsParams>;

export const PermittedService = ServiceOutcome.extend({
  changes: z.array(PermissionChange).default([]).describe('Each principal that differs'),
});
export type PermittedService = z.output<typeof PermittedService>;

export const SetServicePermissionsResult = z
  .object({
    ...batchOutputs,
    services: z.array(PermittedService).describe('What became of each service'),
  })
  .meta({ id: 'SetServicePermissionsResults' });
export type SetServicePermissionsResult = z.output<typeof SetServicePermissionsResult>;
