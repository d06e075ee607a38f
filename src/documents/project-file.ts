import { DocumentError } from '../lib/errors.ts';
import type { ArchiveLimits } from './archive-limits.ts';
import { rejected } from './archive-limits.ts';
import { type CimNode, parseCim, toUriKey } from './cim-node.ts';
import type { CimStore, Definition, LayerTree } from './cim-store.ts';
import { findSecrets } from './document-secrets.ts';
import type { ZipMember } from './zip-directory.ts';
import { openZip, readZipMember, type ZipFile } from './zip-file.ts';

export type ProjectFile = CimStore & {
  kind: 'project';
  zip: ZipFile;
  /** Name of the member by the key of its definition. */
  memberOf: ReadonlyMap<string, string>;
  index: { name: string; content: Buffer } | undefined;
};

const maxReadBytes = 384 * 2 ** 20;
const maxMetadataBytes = 4 * 2 ** 20;
const isIndex = (name: string) => /^(?:Index\.json|007Index\.ind)$/i.test(name);
const isProject = (name: string) => /^GISProject\.(?:json|xml)$/i.test(name);

/**
 * Opens a .aprx: a zip of one text per map, layer, table and layout. The URI of a member is its name with
 * `CIMPATH=` before it. The caller closes `zip`.
 *
 * @throws DocumentError archive_rejected | unreadable_document
 */
export async function openProjectFile(path: string, limits: ArchiveLimits): Promise<ProjectFile> {
  const zip = await openZip(path, limits);
  try {
    return await readProject(zip);
  } catch (error) {
    await zip.handle.close();
    throw error;
  }
}

async function readProject(zip: ZipFile): Promise<ProjectFile> {
  const project = zip.members.find(({ name }) => isProject(name));
  const info = zip.members.find(({ name }) => /^DocumentInfo\.xml$/i.test(name));
  if (!project || !info) throw notAProject(zip);
  const reading = new ProjectReading(zip);
  for (const member of zip.members) await reading.take(member);
  const { definitions, memberOf, secretPlaces, binaries } = reading;
  const infoNode = parseCim(await readZipMember(zip, info), info.name);
  const projectNode = parseCim(await readZipMember(zip, project), project.name);
  const indexMember = zip.members.find(({ name }) => isIndex(name));
  const build = Number(infoNode.text('build'));
  const maps = findMaps(projectNode, definitions);
  return {
    kind: 'project',
    form: project.name.toLowerCase().endsWith('.json') ? 'json' : 'xml',
    version: infoNode.text('version') || undefined,
    build: Number.isSafeInteger(build) && build > 0 ? build : undefined,
    maps,
    definitions,
    binaries,
    metadata: await readMetadata(zip, maps),
    memberCount: zip.members.length,
    secretPlaces: [...secretPlaces, ...placesIn(project.name, projectNode)],
    zip,
    memberOf,
    index: indexMember && {
      name: indexMember.name,
      content: await readZipMember(zip, indexMember),
    },
  };
}

function notAProject({ members }: ZipFile): DocumentError {
  const isToolbox = members.some(({ name }) => name.toLowerCase() === 'toolbox.content');
  return new DocumentError(
    'unreadable_document',
    isToolbox
      ? 'The zip is a toolbox (.atbx), no project.'
      : 'The zip is no project: a project (.aprx) has GISProject and DocumentInfo.xml.',
  );
}

/** Gathers the definitions of one project, member by member, within a limit of bytes in all. */
class ProjectReading {
  readonly definitions = new Map<string, Definition>();
  readonly memberOf = new Map<string, string>();
  readonly binaries = new Set<string>();
  readonly secretPlaces: string[] = [];
  readonly #zip: ZipFile;
  #readBytes = 0;

  constructor(zip: ZipFile) {
    this.#zip = zip;
  }

  async take(member: ZipMember): Promise<void> {
    const { name } = member;
    if (isIndex(name) || isProject(name) || /^DocumentInfo\.xml$/i.test(name)) return;
    const key = toUriKey(name);
    if (!/\.(?:xml|json)$/i.test(name) || /^Metadata\//i.test(name)) {
      this.binaries.add(key);
      return;
    }
    this.#readBytes += member.sizeBytes;
    if (this.#readBytes > maxReadBytes) {
      throw rejected(`its maps and layers are more than ${maxReadBytes} bytes`);
    }
    const content = await readZipMember(this.#zip, member);
    const node = parseCim(content, name);
    const kind = kindOf(node.className);
    if (!kind) {
      this.binaries.add(key);
      return;
    }
    this.secretPlaces.push(...placesIn(name, node));
    // `map/` and `Map/` may both be there: the first keeps the place, the other stays reachable by its case.
    const free = this.definitions.has(key) ? `${key}\n${name}` : key;
    this.definitions.set(free, { uri: `CIMPATH=${name}`, kind, node });
    this.memberOf.set(free, name);
  }
}

/** What is not there, or no text, or too long, is no reason to refuse a project. */
async function readMetadata(
  zip: ZipFile,
  maps: readonly LayerTree[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const wanted = new Set(maps.map(({ node }) => toUriKey(node.text('metadataURI'))));
  for (const member of zip.members) {
    const key = toUriKey(member.name);
    if (!wanted.has(key) || member.sizeBytes > maxMetadataBytes) continue;
    found.set(key, (await readZipMember(zip, member)).toString('utf8'));
  }
  return found;
}

function placesIn(name: string, node: CimNode): string[] {
  return findSecrets(node).map((place) => (place ? `${name}: ${place}` : name));
}

function kindOf(className: string): Definition['kind'] | undefined {
  if (className === 'CIMMap') return 'map';
  if (/Layer$/.test(className)) return 'layer';
  if (/StandaloneTable$|^CIMSubtypeGroupTable$/.test(className)) return 'table';
  return /^CIM/.test(className) ? 'other' : undefined;
}

/**
 * Views and history keep addresses of maps that are long gone, so the maps are those that the project lists and
 * that are there; a project that lists none has those it holds.
 */
function findMaps(project: CimNode, definitions: ReadonlyMap<string, Definition>): LayerTree[] {
  const all = [...definitions.values()].filter(({ kind }) => kind === 'map');
  const listed = new Set(
    project
      .items('projectItems')
      .map((item: CimNode) => item)
      .filter((item: CimNode) => item.text('itemType') === 'Map')
      .map((item: CimNode) => toUriKey(item.text('catalogPath'))),
  );
  const shown = all.filter(({ uri }) => listed.has(toUriKey(uri)));
  return (shown.length > 0 ? shown : all).map(({ uri, node }) => ({
    name: node.text('name'),
    uri,
    node,
    layerList: 'layers',
    tableList: 'standaloneTables',
  }));
}
