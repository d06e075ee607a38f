import { z } from 'zod';
import { textOfMarks } from '../../lib/portable-patterns.ts';
import { FileLink } from '../file-link.ts';
import { PermissionChange, ServicePermissionsInput } from '../service-permissions.ts';
import { ReferencedData } from './registered-data.ts';

/** Names of folders and services: what ArcGIS Server takes without escaping (Esri, Create Folder). */
export const siteName = textOfMarks(
  (mark) => `^${mark}*$`,
  'letters, digits and underscores only, 120 at most',
).max(120);

const serviceSetting = z.union([z.string(), z.number(), z.boolean()]);

export const ServiceOverrides = z
  .looseObject({
    description: z.string().optional(),
    capabilities: z.string().optional().describe('Comma list, such as `Map,Query,Data`'),
    minInstancesPerNode: z.int().min(0).optional(),
    maxInstancesPerNode: z.int().min(0).optional(),
    properties: z
      .record(z.string(), serviceSetting)
      .optional()
      .describe('Merged key by key; ArcGIS Server keeps every value as text'),
    extensions: z
      .array(
        z.strictObject({
          typeName: z.string().min(1),
          enabled: z.boolean().optional(),
          capabilities: z.string().optional(),
          properties: z.record(z.string(), serviceSetting).optional(),
        }),
      )
      .optional()
      .describe('Merged by `typeName`'),
  })
  .refine((overrides) => !['serviceName', 'type', 'folderName'].some((key) => key in overrides), {
    message: 'name, type and folder are inputs of their own, or fixed by the definition',
  })
  .describe("Members of the service JSON that win over the definition's own")
  .meta({ id: 'ServiceOverrides' });
export type ServiceOverrides = z.output<typeof ServiceOverrides>;

export const KeptSetting = z.enum([
  'instances',
  'timeouts',
  'state',
  'limits',
  'cache',
  'extensions',
]);
export type KeptSetting = z.output<typeof KeptSetting>;

export const PublishServiceDefinitionParams = z
  .strictObject({
    site: z.string().min(1).max(63).describe('Name of a configured site'),
    serviceDefinition: FileLink.describe(
      'The .sd file: a link to an upload, or the file part of a multipart request',
    ),
    folder: siteName
      .or(z.literal('/'))
      .optional()
      .describe(
        "Folder of the site that receives the service; `/` is the root. Default: the definition's own",
      ),
    serviceName: siteName
      .min(1)
      .optional()
      .describe("Name of the service. Default: the definition's own"),
    ifExists: z
      .enum(['fail', 'replace', 'skip'])
      .default('fail')
      .describe('What to do when a service of that name and type is there'),
    keep: z
      .array(KeptSetting)
      .default(['instances', 'timeouts', 'state', 'limits', 'cache'])
      .describe('Settings of the live service that survive a replacement'),
    state: z.enum(['started', 'stopped']).optional().describe('State of the service afterwards'),
    overrides: ServiceOverrides.optional(),
    verify: z
      .enum(['listed', 'started', 'data'])
      .default('data')
      .describe('How far to look before the job counts as successful'),
    copiedData: z
      .enum(['allow', 'refuse'])
      .default('allow')
      .describe('`refuse`: not if data would be copied to the site with the definition'),
    referencedData: z
      .enum(['warn', 'requireRegistered'])
      .default('warn')
      .describe(
        '`requireRegistered`: not if data are referred to that the site has not registered',
      ),
    requireRestorable: z
      .boolean()
      .default(false)
      .describe('Replace only what Pressroom could publish again as it was'),
    permissions: ServicePermissionsInput.optional(),
    force: z
      .boolean()
      .default(false)
      .describe('With `ifExists: replace`: publish also what would change nothing'),
    ifPlanIs: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'the digest of a plan: 64 hex digits')
      .optional()
      .describe('Digest of a `publish-plan` of the same request: only if all still is as planned'),
  })
  .meta({ id: 'PublishServiceDefinitionInputs' });
export type PublishServiceDefinitionParams = z.output<typeof PublishServiceDefinitionParams>;

const NamedLayer = z.object({ id: z.int(), name: z.string() });

export const ChangedSetting = z
  .object({ key: z.string(), from: z.unknown(), to: z.unknown() })
  .meta({ id: 'ChangedSetting' });
export type ChangedSetting = z.output<typeof ChangedSetting>;

export const PublishServiceDefinitionResult = z
  .object({
    outcome: z
      .enum(['created', 'replaced', 'skipped', 'unchanged'])
      .describe(
        'What became of the request; `unchanged`: the live service is what the same request made before',
      ),
    service: z
      .object({
        name: z.string(),
        folder: z.string().describe('Empty for the root'),
        type: z.string(),
        adminUrl: z.string(),
        restUrl: z.string(),
        layers: z.array(NamedLayer),
        tables: z.array(NamedLayer),
      })
      .describe('The service as the site has it'),
    verification: z
      .enum(['listed', 'started', 'data', 'unproven', 'none'])
      .describe(
        'How far the service was looked at; `unproven`: the same bytes were published again and no change could be seen',
      ),
    kept: z
      .array(z.object({ key: z.string(), value: z.unknown() }))
      .describe('Settings carried over from the live service'),
    changed: z.array(ChangedSetting).describe("Settings that differ from the definition's own"),
    referencedData: z
      .array(ReferencedData)
      .describe('Data that the definition refers to, and what the service reads in their place'),
    permissions: z
      .array(PermissionChange)
      .default([])
      .describe('Who may use the service, as far as it was changed'),
    portalItemIds: z.array(z.string()).describe('Items of the portal, on a federated site'),
    restorable: z
      .enum(['full', 'settings-only', 'not-needed'])
      .describe('What could have been put back'),
    outageMs: z
      .number()
      .nullable()
      .describe(
        'How long the replaced service did not answer; null: not replaced, or not measured from begin to end',
      ),
    version: z
      .int()
      .nullable()
      .describe('Number of this publish in the history of the service; null: nothing is recorded'),
    seconds: z.record(z.string(), z.number()).describe('Time per step'),
    siteMessages: z.array(z.string()).describe("The site job's own messages"),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'PublishServiceDefinitionResults' });
export type PublishServiceDefinitionResult = z.output<typeof PublishServiceDefinitionResult>;
