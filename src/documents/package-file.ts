import { DocumentError } from '../lib/errors.ts';
import { type Archive, type ArchiveMember, readMembers } from './archive.ts';
import type { DescribeOptions } from './describe-connection.ts';
import { describeMaps } from './describe-map.ts';
import type { MapContent, PackageContent } from './document-content.ts';
import { readItemInformation, readPackageVersion } from './item-information.ts';
import { openMapFile } from './map-file.ts';
import { resolvePath } from './windows-path.ts';

const maxDocuments = 30;
const maxReadBytes = 48 * 2 ** 20;
const isText = (name: string) => /\.(?:lyrx|mapx)$/i.test(name);

/**
 * What is in a package (.mpkx, .lpkx, .mpk, .gpk and their kin): its item, its maps and layers, the data that come
 * along. Relative sources are looked up among its members.
 *
 * @throws DocumentError archive_rejected | unreadable_document
 */
export async function describePackage(archive: Archive): Promise<PackageContent> {
  const { members } = archive;
  const item = findEndingWith(members, 'esriinfo/iteminfo.xml');
  const packageInfo = findEndingWith(members, 'esriinfo/item.pkinfo');
  const documents = members.filter(({ kind, name }) => kind === 'file' && isDocument(name));
  const chosen = chooseReadable(documents);
  const read = await readMembers(
    archive,
    [item, packageInfo, ...chosen].filter((each) => each !== undefined),
  );
  if (documents.length === 0 && !packageInfo) {
    throw new DocumentError(
      'unreadable_document',
      'The 7z archive is neither a service definition nor a package of ArcGIS.',
    );
  }
  const information = orNothing(() => readItemInformation(contentOf(read, item)));
  const version = orNothing(() => readPackageVersion(contentOf(read, packageInfo)));
  const described = documents.slice(0, maxDocuments).map((member) => {
    const content = read.get(member.name);
    return { member: member.name, ...describeMember(member.name, content, members) };
  });
  return {
    kind: 'package',
    ...(information?.title && { title: information.title }),
    ...(information?.summary && { summary: information.summary }),
    tags: information?.tags ?? [],
    ...(version && { packageVersion: version }),
    memberCount: members.filter(({ kind }) => kind === 'file').length,
    unpackedBytes: members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    workspaces: findWorkspaces(members),
    documents: described,
    secretsFound: described.flatMap(({ member, content }) =>
      (content?.secretsFound ?? []).map(({ where }) => ({ where: `${member}: ${where}` })),
    ),
  };
}

function isDocument(name: string): boolean {
  return /\.(?:lyrx|mapx|aprx|mxd|lyr|pagx|tbx|atbx|pyt|rltx?|msd)$/i.test(name);
}

function chooseReadable(documents: readonly ArchiveMember[]): ArchiveMember[] {
  let total = 0;
  return documents.slice(0, maxDocuments).filter(({ name, sizeBytes }) => {
    if (!isText(name) || total + sizeBytes > maxReadBytes) return false;
    total += sizeBytes;
    return true;
  });
}

function describeMember(
  name: string,
  content: Buffer | undefined,
  members: readonly ArchiveMember[],
): { content?: MapContent; note?: string } {
  if (!content) {
    const note = isText(name)
      ? 'too large to be read here'
      : 'not read: unpack it and send it alone';
    return { note: /\.(?:mxd|lyr|tbx|rltx?)$/i.test(name) ? 'binary: only ArcPy reads it' : note };
  }
  try {
    const folder = `/${name.split('/').slice(0, -1).join('/')}`;
    const described = describeMaps(openMapFile(content, name), {
      folder,
    } satisfies DescribeOptions);
    return { content: withPackedSources(described, folder, members) };
  } catch (error) {
    if (error instanceof DocumentError) return { note: error.message };
    throw error;
  }
}

/** A relative source has to be in the package; where it is not, the layer is broken. */
function withPackedSources(
  content: MapContent,
  folder: string,
  members: readonly ArchiveMember[],
): MapContent {
  const places = placesOf(members);
  const isThere = (path: string) => places.has((resolvePath(folder, path) ?? '').toLowerCase());
  const judge = <T extends MapContent['maps'][number]['tables'][number]>(layer: T): T => {
    const connections = layer.connections.map((connection) => {
      const isMissing = connection.isRelative && connection.path && !isThere(connection.path);
      return isMissing ? { ...connection, fault: 'not-in-package' as const } : connection;
    });
    const isMissing = connections.some(
      ({ fault, role }) => fault === 'not-in-package' && role === 'source',
    );
    const broken = { isBroken: true, fault: 'its data are not in the package' };
    return { ...layer, connections, ...(isMissing && broken) };
  };
  return {
    ...content,
    maps: content.maps.map((map) => ({
      ...map,
      layers: map.layers.map(judge),
      tables: map.tables.map(judge),
    })),
  };
}

/** Every file and every folder around one. */
function placesOf(members: readonly ArchiveMember[]): Set<string> {
  const places = new Set<string>();
  for (const { name } of members) {
    for (let place = `/${name.toLowerCase()}`; place !== '' && !places.has(place); ) {
      places.add(place);
      place = place.slice(0, place.lastIndexOf('/'));
    }
  }
  return places;
}

function findEndingWith(
  members: readonly ArchiveMember[],
  ending: string,
): ArchiveMember | undefined {
  return members.find(({ kind, name }) => kind === 'file' && name.toLowerCase().endsWith(ending));
}

function contentOf(read: ReadonlyMap<string, Buffer>, member: ArchiveMember | undefined): Buffer {
  return (member && read.get(member.name)) ?? Buffer.alloc(0);
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // a package may do without
  }
}

function findWorkspaces(members: readonly ArchiveMember[]): string[] {
  const found = members.flatMap(({ name }) => {
    const gdb = /^(.*?\.gdb)\//i.exec(name)?.[1];
    if (gdb) return [gdb];
    return /\.(?:shp|tif|mrf|crf|geodatabase|gpkg)$/i.test(name) ? [name] : [];
  });
  return [...new Set(found)].slice(0, 500);
}
