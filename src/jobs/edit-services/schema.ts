import { z } from 'zod';
import { batchInputs, batchOutputs, OnFailure } from '../service-batch.ts';
import { ServiceOutcome } from '../service-change.ts';
import { ServiceName, ServiceSelection, SiteName } from '../service-selection.ts';
import { SettingKey, SettingValue } from '../service-setting.ts';
import { ServiceSettingsChange } from '../service-settings-change.ts';

export const ServiceSettingChange = z
  .strictObject({
    service: ServiceName.describe('`Folder/Name.Type`'),
    key: SettingKey.describe('Such as `maxInstancesPerNode` or `properties.maxRecordCount`'),
    from: SettingValue.describe('Before, as the site keeps it; null: it had none'),
    to: SettingValue.describe('Afterwards'),
  })
  .meta({ id: 'ServiceSettingChange' });
export type ServiceSettingChange = z.output<typeof ServiceSettingChange>;

export const EditServicesParams = z
  .strictObject({
    site: SiteName,
    services: ServiceSelection.optional(),
    set: ServiceSettingsChange.optional(),
    putBack: z
      .array(ServiceSettingChange)
      .min(1)
      .max(20_000)
      .optional()
      .describe(
        'In place of `services` and `set`: the `changes` of an earlier edit. Each value that is still as that edit left it gets its old one again; what somebody changed since stays',
      ),
    until: z.iso
      .datetime({ offset: true })
      .optional()
      .describe(
        'With `set`: at that time a job of its own gives each value its old one again, where it still is the one of this edit (RFC 3339)',
      ),
    onFailure: OnFailure,
    ...batchInputs,
  })
  .superRefine(({ until, putBack }, check) => {
    if (until === undefined || putBack === undefined) return;
    check.addIssue({ code: 'custom', path: ['until'], message: 'only with services and set' });
  })
  .superRefine(({ services, set, putBack }, check) => {
    const isWhole = services !== undefined && set !== undefined;
    const isNothing = services === undefined && set === undefined;
    if (putBack ? isNothing : isWhole) return;
    const message = 'send services and set, or putBack';
    check.addIssue({ code: 'custom', path: [putBack ? 'putBack' : 'set'], message });
  })
  .meta({ id: 'EditServicesInputs' });
export type EditServicesParams = z.output<typeof EditServicesParams>;

export const EditedService = ServiceOutcome.extend({
  changes: z
    .array(ServiceSettingChange.omit({ service: true }))
    .default([])
    .describe('Each value that differs, old and new'),
  restarts: z
    .boolean()
    .default(false)
    .describe('It ran, and a site restarts what is edited: for that time it answered nobody'),
});
export type EditedService = z.output<typeof EditedService>;

export const EditServicesResult = z
  .object({
    ...batchOutputs,
    services: z.array(EditedService).describe('What became of each service'),
    changes: z
      .array(ServiceSettingChange)
      .describe('All of it in one list, as `putBack` of a later edit takes it'),
    putBackJob: z
      .string()
      .nullable()
      .describe('With `until`: the job that puts the old values back then; it can be dismissed'),
  })
  .meta({ id: 'EditServicesResults' });
export type EditServicesResult = z.output<typeof EditServicesResult>;
