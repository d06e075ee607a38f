import { z } from 'zod';

export const ServiceDefinitionConnection = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('path'),
      path: z
        .string()
        .describe('Folder, file or address; of copied data the place inside the definition'),
    }),
    z.object({
      kind: z.literal('database'),
      platform: z.string().optional().describe('Kind of database, such as `sqlserver`'),
      host: z.string().optional().describe('Machine of the database'),
      database: z.string().optional().describe('Name of the database'),
      user: z.string().optional().describe('Database user; absent with operating-system login'),
      version: z.string().optional().describe('Version of the geodatabase'),
      authentication: z.string().optional().describe('`DBMS` or `OSA`'),
      instance: z.string().optional().describe('Instance as ArcGIS writes it'),
    }),
  ])
  .describe('Where the data are; never with a password')
  .meta({ id: 'ServiceDefinitionConnection' });
export type ServiceDefinitionConnection = z.output<typeof ServiceDefinitionConnection>;

export const ServiceDefinitionDatabase = z
  .object({
    name: z.string().describe('Name of the workspace'),
    isCopied: z
      .boolean()
      .describe('The data are inside the definition; else the site has to reach them'),
    workspaceFactory: z.string().describe('Kind of workspace, in the words of ArcGIS'),
    connection: ServiceDefinitionConnection,
    source: ServiceDefinitionConnection.optional().describe(
      'Of copied data: where they were copied from, as the machine saw it that made the definition',
    ),
    datasets: z
      .array(
        z.object({
          name: z.string().describe('Name of the dataset'),
          type: z.string().describe('Kind of dataset, such as `FeatureClass`'),
        }),
      )
      .describe('Datasets that the service uses'),
  })
  .meta({ id: 'ServiceDefinitionDatabase' });
export type ServiceDefinitionDatabase = z.output<typeof ServiceDefinitionDatabase>;

export const ServiceDefinitionLayer = z
  .object({
    id: z.int().describe('Layer id; unless the map fixes ids, counted as ArcGIS is known to count'),
    name: z.string().describe('Name of the layer'),
    parentId: z.int().optional().describe('Id of the group layer around it'),
    type: z.string().optional().describe('Kind of layer, such as `Feature Layer`'),
  })
  .meta({ id: 'ServiceDefinitionLayer' });
export type ServiceDefinitionLayer = z.output<typeof ServiceDefinitionLayer>;

export const ServiceDefinitionTable = z
  .object({
    id: z.int().describe('Table id; tables count on after the layers'),
    name: z.string().describe('Name of the table'),
  })
  .meta({ id: 'ServiceDefinitionTable' });
export type ServiceDefinitionTable = z.output<typeof ServiceDefinitionTable>;

/** What is in a service definition (.sd), as far as it matters before it is published. */
export const ServiceDefinitionContent = z
  .object({
    kind: z.literal('service-definition').describe('Kind of document'),
    serviceName: z.string().describe('Name that the service will have'),
    folder: z.string().describe('Folder that will receive the service; empty: the root'),
    type: z.string().describe('Kind of service, such as `MapServer`'),
    title: z.string().optional().describe('Title of the item'),
    summary: z.string().optional().describe('Summary of the item'),
    tags: z.array(z.string()).describe('Tags of the item'),
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
    provider: z.string().optional().describe('Provider as the definition names it'),
    runtime: z
      .enum(['ArcMap', 'ArcGIS Pro', 'unknown'])
      .describe('Runtime that the site needs; `unknown` when the definition does not tell'),
    madeWith: z.string().optional().describe('Program that made the definition'),
    schemaVersion: z.string().optional().describe('Version of the schema of its manifest'),
    serverRuntimeVersion: z.number().optional().describe('ServerRunTimeVersion as it is written'),
    versionFolder: z.string().optional().describe('Folder of the service resource, such as `p20`'),
    targetVersion: z
      .string()
      .optional()
      .describe('Version of ArcGIS Server that it was made for, where the definition says so'),
    isHosted: z.boolean().describe('Made for a hosting server or ArcGIS Online'),
    serverType: z.string().describe('ServerType as it is written, such as `FullServer`'),
    publishType: z.enum(['New', 'Replacement']).describe('What it does with a service of its name'),
    state: z.string().describe('State as it is written; `Staged` when it is ready'),
    keepsMapCache: z
      .boolean()
      .optional()
      .describe(
        'KeepExistingMapCache: asks the site to keep the tiles of a service that it replaces',
      ),
    minInstances: z.number().optional().describe('Least instances per machine'),
    maxInstances: z.number().optional().describe('Most instances per machine'),
    layers: z.array(ServiceDefinitionLayer).describe('Layers in drawing order, groups included'),
    tables: z.array(ServiceDefinitionTable).describe('Stand-alone tables'),
    layersFrom: z
      .enum(['map', 'service-description', 'nothing'])
      .describe('Where layers and tables were read; `nothing`: the lists say nothing'),
    tasks: z.array(z.string()).optional().describe('Geoprocessing tasks, where they can be read'),
    databases: z.array(ServiceDefinitionDatabase).describe('Workspaces that the service uses'),
    secretsFound: z
      .array(z.object({ where: z.string().describe('Member, and place in it') }))
      .describe('Where passwords stand, encrypted ones too; never their values'),
    memberCount: z.int().describe('Files in the definition'),
    unpackedBytes: z.number().describe('Size of all files, unpacked'),
  })
  .meta({ id: 'ServiceDefinitionContent' });
export type ServiceDefinitionContent = z.output<typeof ServiceDefinitionContent>;
