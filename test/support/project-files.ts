import { escapeXml } from '../../src/documents/xml-text.ts';
import { type CimObject, flatten, type MapSpec, toMap } from './map-files.ts';
import { writeZip, type ZipStyle } from './zip-writer.ts';

export type ProjectSpec = {
  maps?: MapSpec[];
  /** More members, before the index. */
  members?: Record<string, string>;
  zip?: ZipStyle;
};

type Member = { name: string; kind: string; object: CimObject };

/** A project of ArcGIS Pro 3: members of JSON, in one line. `memberEnding` `xml` is an upgraded one. */
export function projectFile(
  { maps = [{}], members = {}, zip }: ProjectSpec = {},
  { memberEnding = 'json' }: { memberEnding?: 'json' | 'xml' } = {},
): Buffer {
  const own = membersOf(maps);
  const rename = (text: string) => text.replaceAll(/(CIMPATH=[^"]+)\.json/g, `$1.${memberEnding}`);
  const named = own.map((member) => ({
    ...member,
    name: member.name.replace(/json$/, memberEnding),
    text: rename(toLine(member.object)),
  }));
  const contents = Object.fromEntries(named.map(({ name, text }) => [name, text]));
  return writeZip(
    {
      ...contents,
      ...members,
      'Index.json': toIndex(named),
      'DocumentInfo.xml': documentInfo('3.3.0', 52636),
      'GISProject.json': rename(toLine(toProject(own))),
    },
    zip ?? { flags: 10 },
  );
}

/** The same as ArcGIS Pro 2 writes it: members of XML, and an index of bytes. */
export function projectFileOfPro2({ maps = [{}], members = {}, zip }: ProjectSpec = {}): Buffer {
  const own = membersOf(maps).map((member) => ({
    ...member,
    name: member.name.replace(/json$/, 'xml'),
  }));
  const rename = (text: string) => text.replaceAll(/(CIMPATH=[^<]+)\.json/g, '$1.xml');
  return writeZip(
    {
      ...Object.fromEntries(own.map(({ name, object }) => [name, rename(toXml(object))])),
      ...members,
      '007Index.ind': toBinaryIndex([
        ...own.map(({ kind, name }) => ({ kind: indexKinds[kind] ?? 27, name })),
        ...Object.keys(members).map((name) => ({ kind: 50, name })),
      ]),
      'DocumentInfo.xml': documentInfo('2.8.0', 29751),
      'GISProject.xml': rename(toXml(toProject(membersOf(maps)))),
    },
    zip ?? { flags: 2 },
  );
}

const indexKinds: Record<string, number> = { Map: 26, Layer: 27, StandaloneTable: 34 };
const nameOf = ({ uRI }: CimObject) => String(uRI).replace('CIMPATH=', '');

function membersOf(maps: readonly MapSpec[]): Member[] {
  return maps.flatMap((spec) => [
    { name: nameOf(toMap(spec)), kind: 'Map', object: toMap(spec) },
    ...flatten(spec.layers ?? []).map((object) => ({
      ...{ name: nameOf(object), kind: 'Layer', object },
    })),
    ...(spec.tables ?? []).map((object) => ({
      ...{ name: nameOf(object), kind: 'StandaloneTable', object },
    })),
  ]);
}

function toProject(members: readonly Member[]): CimObject {
  return {
    type: 'CIMGISProject',
    projectItems: members
      .filter(({ kind }) => kind === 'Map')
      .map(({ name, object }) => ({
        type: 'CIMProjectItem',
        catalogPath: `CIMPATH=${name}`,
        itemType: 'Map',
        name: object.name,
      })),
  };
}

/** Members of Pro 3 write the brackets of XML as escapes. */
function toLine(object: CimObject): string {
  return JSON.stringify(object).replaceAll('<', '\\u003c').replaceAll('>', '\\u003e');
}

function toIndex(members: readonly { name: string; kind: string; text: string }[]): string {
  const idOf = new Map(members.map(({ name }, id) => [name.toLowerCase(), id]));
  const nodes = members.map(({ name, kind, text }, id) => {
    const named = [...text.matchAll(/CIMPATH=([^"]+)/g)].map(([, each = '']) => each.toLowerCase());
    const children = [...new Set(named.map((each) => idOf.get(each)))].filter(
      (child) => child !== undefined && child !== id,
    );
    return `\t\t{\n\t\t\t"NodeId" : ${id},\n\t\t\t"NodeType" : "${kind}",\n\t\t\t"FileName" : "${name}",\n\t\t\t"ChildNodeIds" : "${children.join(',')}"\n\t\t}`;
  });
  return `{\n\t"DocumentType" : "Index",\n\t"MajorVersion" : 1,\n\t"MinorVersion" : 0,\n\t"PatchVersion" : 0,\n\t"NumberOfNodes" : ${members.length},\n\t"Nodes" :\n\t[\n${nodes.join(',\n')}\n\t]\n}\n`;
}

export function toBinaryIndex(entries: readonly { kind: number; name: string }[]): Buffer {
  const head = Buffer.alloc(12);
  head.writeInt32LE(1, 0);
  head.writeInt32LE(entries.length, 4);
  const parts = entries.map(({ kind, name }) => {
    const text = Buffer.from(`${name}\0`, 'utf16le');
    const entry = Buffer.alloc(8);
    entry.writeInt32LE(kind, 0);
    entry.writeInt32LE(text.length / 2, 4);
    return Buffer.concat([entry, text]);
  });
  return Buffer.concat([head, ...parts]);
}

const namespaces = (version: string) =>
  `xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:typens='http://www.esri.com/schemas/ArcGIS/${version}'`;

function documentInfo(version: string, build: number): string {
  return `<CIMDocumentInfo xsi:type='typens:CIMDocumentInfo' ${namespaces(version)}><Version>${version}</Version><Build>${build}</Build><DocumentTitle>C:\\Users\\somebody\\roads.aprx</DocumentTitle></CIMDocumentInfo>`;
}

/** One object as XML: names with a large first letter, classes in `xsi:type`, lists wrapped. */
export function toXml(object: CimObject): string {
  const { type, ...members } = object;
  return `<${type} xsi:type='typens:${type}' ${namespaces('2.8.0')}>${membersToXml(members)}</${type}>`;
}

function membersToXml(members: Record<string, unknown>): string {
  return Object.entries(members)
    .map(([key, value]) => valueToXml(key.charAt(0).toUpperCase() + key.slice(1), value))
    .join('');
}

function valueToXml(tag: string, value: unknown): string {
  if (Array.isArray(value)) {
    const items = value.map((item) =>
      typeof item === 'object'
        ? itemToXml(item as CimObject)
        : `<String>${escapeXml(String(item))}</String>`,
    );
    return `<${tag} xsi:type='typens:ArrayOfString'>${items.join('')}</${tag}>`;
  }
  if (value !== null && typeof value === 'object') {
    const { type, ...members } = value as CimObject;
    const attribute = type ? ` xsi:type='typens:${type}'` : '';
    return `<${tag}${attribute}>${membersToXml(members)}</${tag}>`;
  }
  return `<${tag}>${escapeXml(String(value))}</${tag}>`;
}

function itemToXml({ type, ...members }: CimObject): string {
  return `<${type} xsi:type='typens:${type}'>${membersToXml(members)}</${type}>`;
}
