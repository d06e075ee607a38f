import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildConnectionFile } from '../../src/documents/connection-file-builder.ts';
import { zip } from '../../src/documents/map-document-builder.ts';

export type MapLayerSpec = {
  name: string;
  /** Path of a geodatabase, or a connection string of a database. */
  source?: string;
  factory?: 'FileGDB' | 'SDE';
};

function definitionsOf(mapName: string, layers: readonly MapLayerSpec[], folder: string) {
  const uris = layers.map((_, index) => `CIMPATH=${folder}/layer${index}.json`);
  const map = {
    ...{ type: 'CIMMap', name: mapName, uRI: `CIMPATH=${folder}/map.json`, layers: uris },
    ...{ mapType: 'Map', spatialReference: { wkid: 3857 } },
  };
  const definitions = layers.map(({ name, source, factory = 'FileGDB' }, index) => ({
    ...{ type: 'CIMFeatureLayer', name, uRI: uris[index], visibility: true, serviceLayerID: -1 },
    ...(source !== undefined && {
      featureTable: {
        type: 'CIMFeatureTable',
        dataConnection: {
          type: 'CIMStandardDataConnection',
          workspaceConnectionString: factory === 'SDE' ? source : `DATABASE=${source}`,
          ...{ workspaceFactory: factory, dataset: name, datasetType: 'esriDTFeatureClass' },
        },
      },
    }),
  }));
  return { map, definitions };
}

/** A map file (.mapx) as ArcGIS Pro 3 writes one. */
export async function writeMapFile(
  folder: string,
  layers: readonly MapLayerSpec[],
  name = 'Map',
  version = '3.1.0',
): Promise<string> {
  const { map, definitions } = definitionsOf(name, layers, 'map');
  const path = join(folder, `${name}.mapx`);
  const document = {
    ...{ type: 'CIMMapDocument', version, build: 41833 },
    ...{ mapDefinition: map, layerDefinitions: definitions, tableDefinitions: [] },
  };
  await writeFile(path, JSON.stringify(document));
  return path;
}

/** A project (.aprx) with these maps. */
export async function writeProject(
  folder: string,
  maps: Readonly<Record<string, readonly MapLayerSpec[]>>,
): Promise<string> {
  const members = new Map<string, string>([
    ['GISProject.json', JSON.stringify({ type: 'CIMGISProject', projectItems: [] })],
    [
      'DocumentInfo.xml',
      "<CIMDocumentInfo xsi:type='typens:CIMDocumentInfo' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:typens='http://www.esri.com/schemas/ArcGIS/3.1.0'><Version>3.1.0</Version><Build>41833</Build></CIMDocumentInfo>",
    ],
  ]);
  const nodes: object[] = [];
  const addNode = (NodeType: string, FileName: string, ChildNodeIds = '') =>
    nodes.push({ NodeId: nodes.length + 1, NodeType, FileName, ChildNodeIds });
  for (const [index, [name, layers]] of Object.entries(maps).entries()) {
    const { map, definitions } = definitionsOf(name, layers, `map${index}`);
    for (const definition of [map, ...definitions]) {
      const file = String(definition.uRI).slice('CIMPATH='.length);
      members.set(file, JSON.stringify(definition));
      addNode(definition === map ? 'Map' : 'Layer', file);
    }
  }
  const version = { DocumentType: 'Index', MajorVersion: 1, MinorVersion: 0, PatchVersion: 0 };
  members.set(
    'Index.json',
    JSON.stringify({ ...version, NumberOfNodes: nodes.length, Nodes: nodes }),
  );
  const path = join(folder, 'project.aprx');
  await writeFile(path, await zip(members));
  return path;
}

/** A ZIP of small files by name. */
export async function writeZip(
  path: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  // A well-behaved library writes no name that leaves its folder, so two letters of the same length stand for it.
  const masked = Object.entries(files).map(([name, text]) => [name.replaceAll('..', '@@'), text]);
  const packed = await zip(new Map(masked as [string, string][]));
  await writeFile(path, Buffer.from(packed.toString('latin1').replaceAll('@@', '..'), 'latin1'));
  return path;
}

/** A document of ArcMap (.mxd), as far as it is recognised: a compound file with a stream `Maps`. */
export async function writeArcMapDocument(folder: string): Promise<string> {
  const path = join(folder, 'old.mxd');
  await writeFile(path, buildConnectionFile({}, { streamName: 'Maps' }));
  return path;
}
