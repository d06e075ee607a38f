import { z } from 'zod';
import { ReferencedData } from '../publish-service-definition/registered-data.ts';
import {
  ChangedSetting,
  PublishServiceDefinitionParams,
} from '../publish-service-definition/schema.ts';

export const PublishPlanParams = PublishServiceDefinitionParams.omit({ ifPlanIs: true }).meta({
  id: 'PublishPlanInputs',
});
export type PublishPlanParams = z.output<typeof PublishPlanParams>;

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

export const PublishPlanResult = z
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
  .meta({ id: 'PublishPlanResults' });
export type PublishPlanResult = z.output<typeof PublishPlanResult>;
