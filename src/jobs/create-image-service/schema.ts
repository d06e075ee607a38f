import { z } from 'zod';
import { controls } from '../../lib/portable-patterns.ts';
import { siteName } from '../publish-service-definition/schema.ts';
import { PermissionChange, ServicePermissionsInput } from '../service-permissions.ts';
import { SiteName } from '../service-selection.ts';
import { ServiceProperties } from '../service-settings-change.ts';

export const CreateImageServiceParams = z
  .strictObject({
    site: SiteName,
    folder: siteName
      .min(1)
      .or(z.literal('/'))
      .describe('Folder of the site that receives the service; `/` is the root'),
    serviceName: siteName.min(1).describe('Name of the service'),
    path: z
      .string()
      .min(1)
      .max(1_000)
      .regex(new RegExp(`^[^${controls}]+$`, 'u'), 'without control characters')
      .refine((path) => !path.split(/[\\/]/).includes('..'), { message: 'without `..`' })
      .describe(
        'The raster or mosaic dataset as the site itself sees it, such as `\\\\files\\imagery\\ortho.gdb\\ortho2025` or `/cloudStores/imagery/ortho.crf`',
      ),
    sourceType: z
      .enum(['raster', 'mosaic'])
      .optional()
      .describe('What lies there; left out, the site finds out by itself'),
    description: z.string().max(4_000).optional(),
    capabilities: z
      .array(z.string().regex(/^[A-Za-z0-9_]+$/))
      .max(50)
      .default(['Image', 'Metadata'])
      .describe('What users may do; of a mosaic also `Catalog`, `Mensuration`, `Download`'),
    properties: ServiceProperties.optional().describe(
      'Properties of the service JSON, such as `maxImageWidth`; the site keeps every value as text',
    ),
    ifExists: z
      .enum(['fail', 'skip'])
      .default('fail')
      .describe('What to do when an image service of that name is there'),
    referencedData: z
      .enum(['requireRegistered', 'warn'])
      .default('requireRegistered')
      .describe('`warn`: also where the path lies in nothing that the site has registered'),
    permissions: ServicePermissionsInput.optional(),
  })
  .refine(({ properties = {} }) => !('path' in properties), {
    path: ['properties', 'path'],
    message: 'is an input of its own',
  })
  .meta({ id: 'CreateImageServiceInputs' });
export type CreateImageServiceParams = z.output<typeof CreateImageServiceParams>;

export const CreateImageServiceResult = z
  .object({
    outcome: z.enum(['created', 'skipped']).describe('What became of the request'),
    service: z
      .object({
        name: z.string(),
        folder: z.string().describe('Empty for the root'),
        type: z.string(),
        adminUrl: z.string(),
        restUrl: z.string(),
      })
      .describe('The service as the site has it'),
    verification: z
      .enum(['data', 'none'])
      .describe('`data`: it drew a small picture when it was asked to'),
    dataStore: z.string().nullable().describe('The registered item that the path lies in'),
    permissions: z.array(PermissionChange).describe('Who may use it, as far as it was changed'),
    portalItemIds: z.array(z.string()).describe('Items of the portal, on a federated site'),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'CreateImageServiceResults' });
export type CreateImageServiceResult = z.output<typeof CreateImageServiceResult>;
