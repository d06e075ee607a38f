import { z } from 'zod';

export const ConnectionKind = z
  .enum([
    ...[
      'filegdb',
      'shapefile',
      'sde',
      'raster',
      'service',
      'vector-tiles',
      'access',
      'text',
      'excel',
    ],
    ...[
      'sqlite',
      'tin',
      'cad',
      'netcdf',
      'las',
      'ole-db',
      'wfs',
      'memory',
      'join',
      'function',
      'other',
    ],
  ] as const)
  .describe(
    'Kind of source: `join` joins two others, `function` computes one from others; `other`: see workspaceFactory',
  )
  .meta({ id: 'ConnectionKind' });
export type ConnectionKind = z.output<typeof ConnectionKind>;

/** One connection in the form in which every class of connection is told. */
export const DocumentConnection = z
  .object({
    kind: ConnectionKind,
    path: z.string().optional().describe('Folder, geodatabase or file, as it is written'),
    isRelative: z
      .boolean()
      .optional()
      .describe('The path is relative to the folder of the document'),
    resolvedPath: z
      .string()
      .optional()
      .describe('A relative path with the folder of the document, where that is known'),
    url: z.string().optional().describe('Address of a service'),
    platform: z.string().optional().describe('Kind of database, such as `postgresql`'),
    host: z.string().optional().describe('Machine of the database'),
    instance: z.string().optional().describe('Instance as ArcGIS writes it'),
    database: z.string().optional().describe('Name of the database'),
    user: z.string().optional().describe('Database user; absent with operating-system login'),
    version: z.string().optional().describe('Version of the geodatabase'),
    authentication: z.string().optional().describe('`DBMS` or `OSA`'),
    dataset: z.string().optional().describe('Name of the dataset, as it is written'),
    featureDataset: z.string().optional().describe('Feature dataset around it'),
    datasetType: z.string().optional().describe('Kind of dataset, such as `FeatureClass`'),
    query: z.string().optional().describe('SQL of a query layer'),
    workspaceFactory: z.string().optional().describe('Kind of workspace, in the words of ArcGIS'),
    className: z.string().describe('Class of the connection, such as `CIMStandardDataConnection`'),
    role: z
      .enum(['source', 'join', 'relate', 'elevation', 'nested', 'other'])
      .describe('What it is for'),
    hasPassword: z.boolean().describe('A password stands in it, maybe an encrypted one'),
    fault: z
      .enum(['empty', 'no-dataset', 'not-in-package', 'not-understood'])
      .optional()
      .describe('Why the source cannot be reached as it is, as far as the document tells'),
  })
  .describe('Where data are; never with a password')
  .meta({ id: 'DocumentConnection' });
export type DocumentConnection = z.output<typeof DocumentConnection>;
