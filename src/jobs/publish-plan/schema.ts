import { z } from 'zod';
import { ArtifactLink } from '../artifact-records.ts';
import { PublishFolderParams } from '../publish-folder/schema.ts';
import { ReferencedData } from '../publish-service-definition/registered-data.ts';
import {
  ChangedSetting,
  PublishServiceDefinitionParams,
} from '../publish-service-definition/schema.ts';
import { Sites } from '../site-fan-out.ts';

const {
  site,
  serviceDefinition,
  ifPlanIs: _,
  ...forPublish
} = PublishServiceDefinitionParams.shape;
const { source, list, foldersFromSource, after, onFailure } = PublishFolderParams.shape;

/** A publish of one definition, or of a folder of them: the same request but for `ifPlanIs`. */
export const PublishPlanParams = z
  .strictObject({
    site: site.optional(),
    sites: Sites,
    serviceDefinition: serviceDefinition
      .optional()
      .describe(`${serviceDefinition.description}. Or \`source\``),
    source: source
      .optional()
      .describe(
        `${source.description}. In place of \`serviceDefinition\`, as for \`publish-folder\``,
      ),
    list,
    foldersFromSource,
    after,
    onFailure: onFailure.describe(
      'Taken, so that the same request can be planned; a plan does not hang on it',
    ),
    ...forPublish,
  })
  .superRefine((params, check) => {
    const { serviceDefinition: one, source: many, serviceName } = params;
    const refuse = (path: string, message: string) =>
      check.addIssue({ code: 'custom', path: [path], message });
    if ((one === undefined) === (many === undefined))
      refuse(
        one === undefined ? 'serviceDefinition' : 'source',
        'exactly one of serviceDefinition and source is sent',
      );
    if (many !== undefined && serviceName !== undefined)
      refuse('serviceName', 'names of many services stand in a list');
    if (many === undefined && params.list !== undefined) refuse('list', 'belongs to source');
    if (many === undefined && params.foldersFromSource)
      refuse('foldersFromSource', 'belongs to source');
    if (many === undefined && Object.keys(params.after).length > 0)
      refuse('after', 'belongs to source');
  })
  .meta({ id: 'PublishPlanInputs' });
export type PublishPlanParams = z.output<typeof PublishPlanParams>;

/** Several services: they are planned by one job, which holds no slot of a site. */
export function isForMany({ source: many, sites }: { source?: unknown; sites?: unknown }): boolean {
  return many !== undefined || sites !== undefined;
}

export function toPublishParams({
  sites: _sites,
  source: _source,
  list: _list,
  foldersFromSource: _foldersFromSource,
  after: _after,
  onFailure: _onFailure,
  ...params
}: PublishPlanParams): PublishServiceDefinitionParams {
  return PublishServiceDefinitionParams.parse(params);
}

export function toFolderParams({
  serviceDefinition: _serviceDefinition,
  serviceName: _serviceName,
  ...params
}: PublishPlanParams): PublishFolderParams {
  return PublishFolderParams.parse(params);
}

const NamedLayer = z.object({ id: z.int(), name: z.string() });
const Added = z.array(z.string()).describe('Only in what would be published');
const Removed = z.array(z.string()).describe('Only in the live service');

const ServiceDifference = z
  .object({
    settings: z
      .array(ChangedSetting)
      .describe(
        'Members of the service JSON that would change, secrets masked. Compared is what the request sets: what a site fills in by itself is left out',
      ),
    capabilities: z.object({ added: Added, removed: Removed }),
    extensions: z.array(
      z.object({
        typeName: z.string(),
        change: z.enum(['switched-on', 'switched-off', 'changed']),
        settings: z.array(ChangedSetting),
      }),
    ),
    layers: z
      .object({
        added: z.array(NamedLayer),
        removed: z.array(NamedLayer),
        renamed: z.array(z.object({ id: z.int(), from: z.string(), to: z.string() })),
        renumbered: z
          .array(z.object({ name: z.string(), from: z.int(), to: z.int() }))
          .describe('Whoever uses the layer by its id gets another one'),
      })
      .nullable()
      .describe('Layers and tables; null: they cannot be compared'),
    dataSources: z
      .object({ added: Added, removed: Removed })
      .nullable()
      .describe('Connections with their datasets; null: the live manifest tells none'),
  })
  .meta({ id: 'ServiceDifference' });
export type ServiceDifference = z.output<typeof ServiceDifference>;

const Refusal = z.looseObject({
  code: z.string().describe('Kind of problem, as publishing would fail with it'),
  detail: z.string(),
});

/** What publishing one definition on one site would do now. */
export const ServicePlan = z
  .object({
    action: z
      .enum(['create', 'replace', 'skip', 'unchanged', 'refuse'])
      .describe('What publishing would do now'),
    service: z.object({
      name: z.string(),
      folder: z.string().describe('Empty for the root'),
      type: z.string(),
      adminUrl: z.string(),
      restUrl: z.string(),
    }),
    refusals: z.array(Refusal).describe('Everything that stands against it, not only the first'),
    waits: z.array(Refusal).describe('What publishing would wait for'),
    makesFolder: z.boolean().describe('The folder is not there yet'),
    method: z
      .enum(['as-staged', 'manifest', 'overwrite'])
      .nullable()
      .describe('How it would be replaced; null: it would not'),
    live: z
      .object({
        configuredState: z.string(),
        realTimeState: z.string(),
        lastModified: z.iso.datetime().nullable().describe('null: the site does not tell'),
        layers: z.array(NamedLayer).describe('Empty when it does not run'),
        portalItemIds: z.array(z.string()),
        version: z.int().nullable().describe('Its number in the history; null: not ours'),
      })
      .nullable()
      .describe('The service that would be replaced'),
    restorable: z
      .enum(['full', 'settings-only', 'not-needed'])
      .describe('What could be put back if replacing failed'),
    difference: ServiceDifference.nullable().describe('What a replacement would change'),
    kept: z
      .array(z.object({ key: z.string(), value: z.unknown() }))
      .describe('Settings that would be carried over from the live service'),
    changed: z
      .array(ChangedSetting)
      .describe("Settings that would differ from the definition's own"),
    tileCache: z
      .object({
        effect: z.enum(['none', 'asked-to-keep', 'may-be-lost', 'no-longer-used']),
        detail: z.string(),
      })
      .nullable()
      .describe('What becomes of the tiles of the live service; null: nothing is replaced'),
    referencedData: z
      .array(ReferencedData)
      .nullable()
      .describe(
        'Data that the definition refers to; null: our account may not see what is registered',
      ),
    warnings: z.array(z.string()),
    digest: z
      .string()
      .describe('For `ifPlanIs`: publishing then runs only if all of this still is so'),
  })
  .meta({ id: 'ServicePlan' });
export type ServicePlan = z.output<typeof ServicePlan>;

/** A definition that is refused before anything of a site is looked at. */
export const RefusedPlan = ServicePlan.pick({
  refusals: true,
  waits: true,
  warnings: true,
  digest: true,
}).extend({ action: z.literal('refuse') });
export type RefusedPlan = z.output<typeof RefusedPlan>;

export const PlannedService = z
  .object({
    key: z.string().describe('Names it as the child of the publish would be called'),
    site: z.string(),
    service: z.string().optional().describe('`Folder/Name.Type`'),
    action: ServicePlan.shape.action,
    changes: z.int().describe('How many differences to the live service there are'),
    restorable: ServicePlan.shape.restorable,
    refusals: z.array(z.string()).describe('Codes of all that stands against it'),
    waits: z.array(z.string()).describe('Codes of what publishing would wait for'),
    warnings: z.int().describe('How many'),
    digest: z.string().describe('Of this one alone'),
  })
  .meta({ id: 'PlannedService' });
export type PlannedService = z.output<typeof PlannedService>;

const count = z.int().min(0);

export const PlanOfAll = z.object({
  planned: z
    .object({ create: count, replace: count, skip: count, unchanged: count, refuse: count })
    .describe('Of several services: how many of which action'),
  services: z
    .array(PlannedService)
    .describe('Of several services: each on each site, in order; the first 1000 of them'),
  details: ArtifactLink.describe(
    'Of several services: a file with all of them and their differences, a JSON array of what the plan of one tells',
  ),
  digest: ServicePlan.shape.digest,
});
export type PlanOfAll = z.output<typeof PlanOfAll>;

/** Of one definition on one site what would become of it; of several services the table of them. */
export const PublishPlanResult = z
  .object({
    ...ServicePlan.partial().shape,
    ...PlanOfAll.partial().shape,
    warnings: ServicePlan.shape.warnings,
    digest: ServicePlan.shape.digest,
  })
  .meta({ id: 'PublishPlanResults' });
export type PublishPlanResult = z.output<typeof PublishPlanResult>;
