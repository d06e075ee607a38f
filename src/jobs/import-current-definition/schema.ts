import { z } from 'zod';
import { PublishServiceDefinitionParams } from '../publish-service-definition/schema.ts';

const { site, serviceDefinition, folder, serviceName } = PublishServiceDefinitionParams.shape;

export const ImportCurrentDefinitionParams = z
  .strictObject({
    site,
    serviceDefinition: serviceDefinition.describe(
      'The .sd that made the live service: a link to an upload, or the file part of a multipart request',
    ),
    folder: folder.describe(
      "Folder of the live service; `/` is the root. Default: the definition's own",
    ),
    serviceName: serviceName.describe("Name of the live service. Default: the definition's own"),
  })
  .meta({ id: 'ImportCurrentDefinitionInputs' });
export type ImportCurrentDefinitionParams = z.output<typeof ImportCurrentDefinitionParams>;

export const ImportCurrentDefinitionResult = z
  .object({
    service: z.string().describe('The service: `Transport/Roads.MapServer`'),
    version: z.int().describe('Number in the history of the service'),
    restorable: z
      .enum(['full', 'settings-only'])
      .describe(
        'What a replacement could put back from now on; `full` for as long as nobody changes the service',
      ),
    compared: z
      .array(z.string())
      .describe('What of the live service was found to be as in the definition'),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'ImportCurrentDefinitionResults' });
export type ImportCurrentDefinitionResult = z.output<typeof ImportCurrentDefinitionResult>;
