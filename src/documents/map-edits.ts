import { z } from 'zod';
import { ConnectionKind, DocumentConnection } from './document-connection.ts';

const text = () => z.string().min(1).max(2_000);
const LayerSelector = text().describe(
  'Layers or tables by path, `Group/Name`; `*` stands for any letters, `?` for one. Or a URI: `CIMPATH=…`',
);

export const SourceMatch = z
  .strictObject({
    workspace: text().optional().describe('Exactly this folder, geodatabase, file or address'),
    wildcard: text()
      .optional()
      .describe(
        'The same with `*` and `?`; of a database `host/database`. A star is `{1}`, `{2}` … in `to`',
      ),
    pattern: text()
      .optional()
      .describe('The same as a regular expression; a named part is `{name}` in `to`'),
    kind: ConnectionKind.optional(),
    platform: text().optional().describe('Kind of database, such as `sqlserver`'),
    host: z
      .union([text(), z.array(text()).min(1).max(20)])
      .optional()
      .describe('Machine of the database, or each of its spellings'),
    instance: text().optional().describe('Instance as ArcGIS writes it'),
    database: text().optional().describe('Name of the database'),
    user: text().optional().describe('Database user'),
    version: text().optional().describe('Version of the geodatabase'),
    authentication: z.enum(['DBMS', 'OSA']).optional().describe('Kind of login'),
    dataset: text()
      .optional()
      .describe('Dataset, with `*` and `?`; a star is `{dataset1}`, `{dataset2}` … in `to`'),
    featureDataset: text().optional().describe('Feature dataset, with `*` and `?`'),
    layer: LayerSelector.optional(),
  })
  .describe('Which sources: all that is named has to hold. Case and kind of slash do not count')
  .meta({ id: 'SourceMatch' });
export type SourceMatch = z.output<typeof SourceMatch>;

const targetKinds = [
  ...(['filegdb', 'shapefile', 'sde', 'raster', 'service', 'access', 'text', 'excel'] as const),
  ...(['sqlite', 'tin', 'cad', 'netcdf'] as const),
];

export const SourceTarget = z
  .strictObject({
    kind: z.enum(targetKinds).optional().describe('Kind of source, where it changes'),
    path: text().optional().describe('Folder, geodatabase or file'),
    url: text().optional().describe('Address of a service'),
    platform: z
      .string()
      .regex(/^[a-z0-9]{1,30}$/i)
      .optional()
      .describe('Kind of database as ArcGIS writes it, such as `postgresql`'),
    host: text().optional().describe('Machine of the database; every place that names it changes'),
    instance: text().optional().describe('Instance as ArcGIS writes it, `sde:oracle11g:service`'),
    database: text().optional().describe('Name of the database'),
    user: text().optional().describe('Database user'),
    version: text().nullable().optional().describe('Version of the geodatabase; null: none'),
    authentication: z.enum(['DBMS', 'OSA']).optional().describe('Kind of login'),
    password: z
      .enum(['keep', 'drop'])
      .optional()
      .describe('The stored password; without this it stays while user and kind of login stay'),
    dataset: text().optional().describe('Name of the dataset; `{dataset}` is the one before'),
    featureDataset: text().nullable().optional().describe('Feature dataset around it; null: none'),
    query: z.string().min(1).max(20_000).optional().describe('SQL of a query layer'),
  })
  .describe('What changes; what is not named stays. Parts of the match stand in `{…}`')
  .meta({ id: 'SourceTarget' });
export type SourceTarget = z.output<typeof SourceTarget>;

export const SourceChange = z
  .strictObject({ from: SourceMatch, to: SourceTarget })
  .meta({ id: 'SourceChange' });
export type SourceChange = z.output<typeof SourceChange>;

const Position = z
  .union([
    z.enum(['top', 'bottom']),
    z.int().min(0).describe('Counted from the top'),
    z.strictObject({ before: LayerSelector }),
    z.strictObject({ after: LayerSelector }),
  ])
  .describe('Where in the map or the group; first is drawn on top');

export const LayerAddition = z
  .strictObject({
    layers: LayerSelector.optional().describe(
      'Which layers of the layer file; without it all at its top',
    ),
    group: LayerSelector.optional().describe('Group that receives them; without it the map itself'),
    position: Position.optional(),
    withTables: z
      .boolean()
      .optional()
      .describe('Its stand-alone tables too; true when all is added'),
  })
  .meta({ id: 'LayerAddition' });
export type LayerAddition = z.output<typeof LayerAddition>;

const most = 500;

/** What may be changed in a map, a layer file or a project. Each list is carried out in its order. */
export const MapEdits = z
  .object({
    map: text().optional().describe('Name of the map in a project; without it all of them'),
    changeSources: z
      .array(SourceChange)
      .min(1)
      .max(most)
      .optional()
      .describe('Point layers and tables at other data. Of several that match the first counts'),
    addLayers: z
      .array(LayerAddition)
      .min(1)
      .max(most)
      .optional()
      .describe('Add layers of `layerFile`'),
    removeLayers: z
      .array(LayerSelector)
      .min(1)
      .max(most)
      .optional()
      .describe('Remove layers and tables'),
    renameLayers: z
      .array(z.strictObject({ layer: LayerSelector, name: text() }))
      .min(1)
      .max(most)
      .optional()
      .describe('Give layers and tables other names'),
    setDefinitionExpression: z
      .array(
        z.strictObject({ layer: LayerSelector, expression: z.string().max(20_000).nullable() }),
      )
      .min(1)
      .max(most)
      .optional()
      .describe('Choose features by SQL; null: all of them'),
    setVisibility: z
      .array(z.strictObject({ layer: LayerSelector, isVisible: z.boolean() }))
      .min(1)
      .max(most)
      .optional()
      .describe('Switch layers on or off'),
    folder: text()
      .optional()
      .describe('Where the document lies, to resolve and rebase relative paths'),
    layerFileFolder: text()
      .optional()
      .describe('Where the layer file lies, to rebase relative paths'),
  })
  .meta({ id: 'MapEdits' });
export type MapEdits = z.output<typeof MapEdits>;

export const MapChange = z
  .object({
    operation: z
      .enum([
        ...(['changeSources', 'addLayers', 'removeLayers', 'renameLayers'] as const),
        ...(['setDefinitionExpression', 'setVisibility'] as const),
      ])
      .describe('What changed it'),
    map: z.string().describe('Name of the map; empty in a layer file'),
    layer: z.string().describe('Path of the layer or table'),
    uri: z.string().describe('Its address inside of the document'),
    before: z
      .union([DocumentConnection, z.string(), z.boolean(), z.null()])
      .describe('As it was; null: not there'),
    after: z
      .union([DocumentConnection, z.string(), z.boolean(), z.null()])
      .describe('As it is now; null: not there'),
  })
  .meta({ id: 'MapChange' });
export type MapChange = z.output<typeof MapChange>;
