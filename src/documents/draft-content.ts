import { z } from 'zod';

const Numbers = z.record(z.string(), z.string());

/** What is in a service definition draft (.sddraft). */
export const DraftContent = z
  .object({
    kind: z.literal('service-definition-draft').describe('Kind of document'),
    serviceName: z.string().describe('Name that the service will have'),
    folder: z.string().describe('Folder that will receive the service; empty: the root'),
    type: z.string().describe('Kind of service, such as `MapServer`'),
    publishType: z.enum(['New', 'Replacement']).describe('What it does with a service of its name'),
    state: z
      .string()
      .describe('State as it is written: `Draft`, or `Published` in some edited ones'),
    serverType: z.string().describe('ServerType as it is written, such as `FullServer`'),
    schemaVersion: z.string().optional().describe('Version of its schema; 10.1 is also Pro 1.x'),
    creatorVersion: z.string().optional().describe('Program that made it, where it says so'),
    title: z.string().optional().describe('Title of the item'),
    description: z.string().optional().describe('Description of the service'),
    summary: z.string().optional().describe('Summary of the item'),
    tags: z.array(z.string()).describe('Tags of the item'),
    credits: z.string().optional().describe('Credits of the item'),
    useLimitation: z.string().optional().describe('Use limitation of the item'),
    capabilities: z.array(z.string()).describe('Capabilities of the service'),
    extensions: z
      .array(
        z.object({
          typeName: z.string().describe('Kind of extension, such as `FeatureServer`'),
          isEnabled: z.boolean().describe('Switched on'),
          capabilities: z.array(z.string()).describe('Capabilities of the extension'),
        }),
      )
      .describe('Extensions of the service, those that are off too'),
    pool: Numbers.describe('Instances, time-outs and start state, by key as it is written'),
    properties: Numbers.describe('Properties of the service, without paths of the author'),
    copiesData: z
      .boolean()
      .describe('Data will be copied into the definition; both switches say so'),
    secretsFound: z
      .array(z.object({ where: z.string().describe('Place in the draft') }))
      .describe('Where passwords stand, encrypted ones too; never their values'),
  })
  .meta({ id: 'DraftContent' });
export type DraftContent = z.output<typeof DraftContent>;
