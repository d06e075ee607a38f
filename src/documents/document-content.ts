import { z } from 'zod';
import { ConnectionFileContent } from './connection-file.ts';
import { DocumentConnection } from './document-connection.ts';
import { DraftContent } from './draft-content.ts';
import { ServiceDefinitionContent } from './service-definition.ts';

export const MapLayer = z
  .object({
    name: z.string().describe('Name of the layer'),
    path: z.string().describe('Names of the groups around it and its own, parted by `/`'),
    uri: z.string().describe('Address inside of the document; empty for a sublayer'),
    className: z.string().describe('Class, such as `CIMFeatureLayer`'),
    type: z.string().describe('Kind in plain words, such as `Feature Layer`'),
    depth: z.int().describe('How many groups are around it'),
    isGroup: z.boolean().describe('Holds other layers'),
    isVisible: z.boolean().describe('Switched on; a group around it may be off'),
    serviceLayerId: z.int().optional().describe('Id that the map fixes for services'),
    definitionExpression: z.string().optional().describe('SQL that chooses the features'),
    renderer: z.string().optional().describe('Class of the renderer, such as `CIMSimpleRenderer`'),
    symbologyDigest: z
      .string()
      .optional()
      .describe('Changes when renderer, labels or symbols change, and only then'),
    connections: z.array(DocumentConnection).describe('Where the data are: joins and relates too'),
    isBroken: z
      .boolean()
      .describe('It names something that is not in the document, or its source is empty'),
    fault: z.string().optional().describe('What is broken'),
  })
  .meta({ id: 'MapLayer' });
export type MapLayer = z.output<typeof MapLayer>;

export const MapTable = MapLayer.pick({
  name: true,
  uri: true,
  serviceLayerId: true,
  definitionExpression: true,
  connections: true,
  isBroken: true,
  fault: true,
}).meta({ id: 'MapTable' });
export type MapTable = z.output<typeof MapTable>;

export const MapPart = z
  .object({
    name: z.string().describe('Name of the map'),
    uri: z.string().describe('Address inside of the document'),
    mapType: z.string().optional().describe('`Map`, `Scene` or another'),
    spatialReference: z
      .string()
      .optional()
      .describe('Well-known id such as `3857`, or the name of one that has none'),
    summary: z.string().optional().describe('Summary in the metadata of the map'),
    tags: z.array(z.string()).describe('Tags in the metadata of the map'),
    usesServiceLayerIds: z.boolean().describe('Ids of layers in services are fixed by the map'),
    layers: z.array(MapLayer).describe('In drawing order, the topmost first, groups included'),
    tables: z.array(MapTable).describe('Stand-alone tables'),
    connections: z.array(DocumentConnection).describe('Of the map itself: elevation sources'),
  })
  .meta({ id: 'MapPart' });
export type MapPart = z.output<typeof MapPart>;

const SecretPlaces = z
  .array(z.object({ where: z.string().describe('Member, and place in it') }))
  .describe('Where passwords stand, encrypted ones too; never their values');

/** What is in a project (.aprx), a map file (.mapx) or a layer file (.lyrx). */
export const MapContent = z
  .object({
    kind: z.enum(['project', 'map-file', 'layer-file']).describe('Kind of document'),
    version: z.string().optional().describe('ArcGIS Pro that saved it last, such as `3.3.0`'),
    build: z.int().optional().describe('Build of that ArcGIS Pro'),
    form: z.enum(['json', 'xml']).describe('How its layers are written'),
    maps: z.array(MapPart).describe('Maps; of a layer file the one list of its layers'),
    layerCount: z.int().describe('Layers of all maps, groups included'),
    tableCount: z.int().describe('Stand-alone tables of all maps'),
    danglingReferences: z
      .array(z.string())
      .describe('Addresses that something names and that are not in the document'),
    unusedDefinitions: z.int().describe('Layers and tables that no map shows'),
    memberCount: z.int().optional().describe('Files in a project'),
    isCut: z.boolean().describe('More layers or connections are in it than are listed'),
    secretsFound: SecretPlaces,
  })
  .meta({ id: 'MapContent' });
export type MapContent = z.output<typeof MapContent>;

export const PackageContent = z
  .object({
    kind: z.literal('package').describe('Kind of document'),
    title: z.string().optional().describe('Title of the item'),
    summary: z.string().optional().describe('Summary of the item'),
    tags: z.array(z.string()).describe('Tags of the item'),
    packageVersion: z.string().optional().describe('Version as the package writes it'),
    memberCount: z.int().describe('Files in the package'),
    unpackedBytes: z.number().describe('Size of all files, unpacked'),
    workspaces: z.array(z.string()).describe('Geodatabases and folders of data that come along'),
    documents: z
      .array(
        z.object({
          member: z.string().describe('File in the package'),
          content: MapContent.optional().describe('What is in it'),
          note: z.string().optional().describe('Why it was not looked into'),
        }),
      )
      .describe('Maps, layers and toolboxes in it'),
    secretsFound: SecretPlaces,
  })
  .meta({ id: 'PackageContent' });
export type PackageContent = z.output<typeof PackageContent>;

export const OpaqueContent = z
  .object({
    kind: z.enum(['arcmap-document', 'site-connection-file', 'toolbox', 'compound-file']),
    version: z.string().optional().describe('ArcGIS that made it, where it says so'),
    needsArcPy: z.boolean().describe('Only ArcPy can read and change it'),
    note: z.string().describe('What can be done with it'),
  })
  .describe('A binary document that is recognised and not read')
  .meta({ id: 'OpaqueContent' });
export type OpaqueContent = z.output<typeof OpaqueContent>;

/** What any document holds, told apart by `kind`. */
export const DocumentContent = z
  .union([
    ServiceDefinitionContent,
    DraftContent,
    MapContent,
    PackageContent,
    ConnectionFileContent,
    OpaqueContent,
  ])
  .meta({ id: 'DocumentContent' });
export type DocumentContent = z.output<typeof DocumentContent>;
