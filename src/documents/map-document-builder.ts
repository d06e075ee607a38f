import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import type { CompleteSpec, LayerSpec } from './definition-spec.ts';
import { element, list, writeArcgisXml, type XmlElementSpec } from './xml-text.ts';

/** Words of the two generations of map documents. */
type Dialect = { map: string; layer: string; group: string; uri: string; schemaVersion: string };

const arcMapDialect = {
  ...{ map: 'CIMDEMap', layer: 'CIMDEGeographicFeatureLayer', group: 'CIMDEGroupLayer' },
  uri: 'CatalogPath',
};
const proDialect = {
  ...{ map: 'CIMMap', layer: 'CIMFeatureLayer', group: 'CIMGroupLayer' },
  uri: 'URI',
};

type Members = Map<string, string>;

/** The map document (.msd) of a definition: a zip of one text per map, layer and table. */
export async function buildMapDocument(spec: CompleteSpec): Promise<Buffer> {
  const isArcMap = spec.runtime === 'ArcMap';
  const dialect = {
    ...(isArcMap ? arcMapDialect : proDialect),
    schemaVersion: spec.schemaVersion,
  };
  const members: Members = new Map();
  const layerUris = spec.layers.map((layer) => addLayer(members, layer, dialect));
  const tableUris = spec.tables.map((name) =>
    addMember(members, dialect, 'CIMStandaloneTable', name, []),
  );
  members.set(
    'map/map.xml',
    writeArcgisXml(dialect.map, dialect.schemaVersion, [
      element('Name', 'Map'),
      element(dialect.uri, 'CIMPATH=map/map.xml'),
      list('Layers', 'String', toStrings(layerUris)),
      list('StandaloneTables', 'String', toStrings(tableUris)),
    ]),
  );
  members.set('DocumentInfo.xml', buildDocumentInfo(spec));
  members.set('GISProject.xml', writeArcgisXml('CIMGISProject', spec.schemaVersion, []));
  return await zip(members);
}

function addLayer(members: Members, layer: LayerSpec, dialect: Dialect): string {
  if (typeof layer === 'string') {
    return addMember(members, dialect, dialect.layer, layer, [element('ServiceLayerID', -1)]);
  }
  const children = layer.layers.map((child) => addLayer(members, child, dialect));
  const inner = list('Layers', 'String', toStrings(children));
  return addMember(members, dialect, dialect.group, layer.name, [inner]);
}

function addMember(
  members: Members,
  dialect: Dialect,
  className: string,
  name: string,
  content: XmlElementSpec[],
): string {
  const file = `map/element${members.size}.xml`;
  const uri = `CIMPATH=${file}`;
  const head = [element('Name', name), element(dialect.uri, uri)];
  members.set(file, writeArcgisXml(className, dialect.schemaVersion, [...head, ...content]));
  return uri;
}

function toStrings(uris: readonly string[]): XmlElementSpec[] {
  return uris.map((uri) => element('String', uri));
}

/** ArcMap writes no version here; the one of Pro is one that was seen with its build. */
function buildDocumentInfo(spec: CompleteSpec): string {
  const version =
    spec.runtime === 'ArcMap' ? [] : [element('Version', '2.9.0'), element('Build', 32739)];
  return writeArcgisXml('CIMDocumentInfo', spec.schemaVersion, [
    ...version,
    element('DocumentTitle', spec.title),
    element('ActiveMapRepositoryPath', 'CIMPATH=map/map.xml'),
    element('UseRelativePath', true),
  ]);
}

/** Packs texts into a zip, in order. */
export async function zip(members: ReadonlyMap<string, string>): Promise<Buffer> {
  const file = new ZipFile();
  for (const [name, text] of members) file.addBuffer(Buffer.from(text), name);
  file.end();
  return await buffer(file.outputStream);
}
