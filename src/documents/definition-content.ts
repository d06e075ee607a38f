import { DocumentError } from '../lib/errors.ts';
import { type Archive, type ArchiveMember, findMember, readMembers } from './archive.ts';
import { readItemInformation, readPackageVersion } from './item-information.ts';
import type { LayerList } from './layer-list.ts';
import { readManifest } from './manifest.ts';
import { type MapDocument, readMapDocument, readMapFile } from './map-document.ts';
import { decideRuntime, describeMaker } from './runtime.ts';
import { readServiceConfiguration } from './service-configuration.ts';
import type { ServiceDefinitionContent } from './service-definition.ts';
import { readServiceDescription } from './service-description.ts';
import { readTools } from './toolbox-content.ts';

const maxTextBytes = 8 * 2 ** 20;
const maxOptionalBytes = 64 * 2 ** 20;
const maxConnectionFiles = 50;

/** Services whose map document, where they have one, is not what they serve. */
const typesWithoutLayers = new Set(['gpserver', 'imageserver', 'geocodeserver', 'geodataserver']);

/**
 * Reads what is in a service definition. Without manifest or service configuration it is none; all else
 * may be missing or unreadable, and is left out then.
 *
 * @throws DocumentError archive_rejected | unreadable_document
 */
export async function readDefinitionContent(archive: Archive): Promise<ServiceDefinitionContent> {
  const required = [
    getMember(archive, 'manifest.xml'),
    getMember(archive, 'serviceconfiguration.json'),
  ];
  const texts = await readMembers(archive, [...required, ...chooseOptional(archive)]);
  const memberNames = archive.members.map(({ name }) => name);
  const manifest = readManifest(contentOf(texts, 'manifest.xml'), memberNames);
  const service = readServiceConfiguration(contentOf(texts, 'serviceconfiguration.json'));
  const map = await readMap(texts, manifest.cimMember);
  const isHosted = /^Lightweight/i.test(manifest.serverType);
  const versionFolder = findVersionFolder(manifest.resourcePath, memberNames);
  const evidence = {
    ...{ provider: service.provider, manifest, memberNames, versionFolder },
    proVersion: map.proVersion,
    packageVersion: orNothing(() => readPackageVersion(contentOf(texts, 'esriinfo/item.pkinfo'))),
  };
  const runtime = decideRuntime(evidence);
  const madeWith = describeMaker(evidence, runtime);
  const item = orNothing(() => readItemInformation(contentOf(texts, 'esriinfo/iteminfo.xml')));
  const tasks = await readTasks(texts, service.type);
  const { folder, type, capabilities, extensions, provider, minInstances, maxInstances } = service;
  const serviceName = service.serviceName || manifest.name;
  if (!serviceName)
    throw unreadable('Neither manifest nor service configuration names the service');
  return withoutGaps({
    kind: 'service-definition',
    ...{ serviceName, folder, type, capabilities, extensions, runtime, versionFolder, isHosted },
    ...{ provider, minInstances, maxInstances, madeWith, tasks },
    title: item?.title ?? serviceName, // ArcGIS Pro 2.x leaves the item of a geoprocessing service empty
    summary: item?.summary,
    tags: item?.tags ?? [],
    schemaVersion: manifest.schemaVersion,
    serverRuntimeVersion: manifest.serverRuntimeVersion,
    serverType: manifest.serverType,
    publishType: manifest.publishType,
    state: manifest.state,
    keepsMapCache: manifest.keepsMapCache,
    ...chooseLayers(type, isHosted, map, readDescriptions(texts)),
    databases: manifest.databases,
    secretsFound: [
      ...manifest.secretPlaces.map((place) => `manifest.xml: ${place}`),
      ...service.secretPlaces.map((place) => `serviceconfiguration.json: ${place}`),
      ...map.secretPlaces,
      ...findConnectionFilesWithPassword(texts),
    ].map((where) => ({ where })),
    memberCount: archive.members.filter(({ kind }) => kind === 'file').length,
    unpackedBytes: archive.members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  });
}

function withoutGaps(content: ServiceDefinitionContent): ServiceDefinitionContent {
  const filled = Object.entries(content).filter(([, value]) => value !== undefined);
  return Object.fromEntries(filled) as ServiceDefinitionContent;
}

function getMember(archive: Archive, name: string): ArchiveMember {
  const member = findMember(archive, name);
  if (!member) throw unreadable(`The archive is not a service definition: it has no ${name}`);
  if (member.sizeBytes > maxTextBytes) {
    throw unreadable(`${name} is larger than the ${maxTextBytes} bytes that are read`);
  }
  return member;
}

function unreadable(message: string): DocumentError {
  return new DocumentError('unreadable_document', `${message}.`);
}

/** What is read beside the two required members, as long as it is not too much. */
function chooseOptional(archive: Archive): ArchiveMember[] {
  const wanted =
    /^(esriinfo\/(iteminfo\.xml|item\.pkinfo)|servicedescriptions\/.+\.json|[vp]\d+\/[^/]+\.(msd|mapx|atbx))$/i;
  const files = archive.members.filter(({ kind }) => kind === 'file');
  const connections = files.filter(({ name }) => /\.(sde|ags)$/i.test(name));
  const chosen: ArchiveMember[] = [];
  let total = 0;
  for (const member of [
    ...files.filter(({ name }) => wanted.test(name)),
    ...connections.slice(0, maxConnectionFiles),
  ]) {
    if (total + member.sizeBytes > Math.min(maxOptionalBytes, archive.limits.maxMemberBytes))
      continue;
    total += member.sizeBytes;
    chosen.push(member);
  }
  return chosen;
}

function contentOf(texts: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const entry = [...texts].find(([member]) => member.toLowerCase() === name);
  if (!entry) throw unreadable(`The archive has no ${name}`);
  return entry[1];
}

/** For what may be missing or damaged without harm to the rest. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

async function orNothingLater<T>(reading: Promise<T>): Promise<T | undefined> {
  return await reading.catch(() => undefined);
}

type MapFindings = {
  list: LayerList | undefined;
  proVersion: string | undefined;
  secretPlaces: string[];
};

/** From the map document (.msd), which is what the site uses; where there is none from the map file. */
async function readMap(
  texts: ReadonlyMap<string, Buffer>,
  cimMember: string | undefined,
): Promise<MapFindings> {
  const findings: MapFindings = { list: undefined, proVersion: undefined, secretPlaces: [] };
  const add = (member: string, document: MapDocument | undefined) => {
    findings.list ??= document?.list;
    findings.proVersion ??= document?.proVersion;
    for (const inner of document?.secretMembers ?? []) {
      findings.secretPlaces.push(inner ? `${member}: ${inner}` : member);
    }
  };
  for (const [member, content] of texts) {
    if (!/\.msd$/i.test(member)) continue;
    add(member, await orNothingLater(readMapDocument(content, { cimMember })));
  }
  for (const [member, content] of texts) {
    if (/\.mapx$/i.test(member))
      add(
        member,
        orNothing(() => readMapFile(content)),
      );
  }
  return findings;
}

function readDescriptions(texts: ReadonlyMap<string, Buffer>): LayerList | undefined {
  return [...texts]
    .filter(([member]) => /^servicedescriptions\//i.test(member))
    .map(([, content]) => orNothing(() => readServiceDescription(content)))
    .find((list) => list !== undefined);
}

function chooseLayers(
  type: string,
  isHosted: boolean,
  map: MapFindings,
  description: LayerList | undefined,
): Pick<ServiceDefinitionContent, 'layers' | 'tables' | 'layersFrom'> {
  const none = { layers: [], tables: [], layersFrom: 'nothing' as const };
  if (typesWithoutLayers.has(type.toLowerCase())) return none;
  const fromMap = map.list && { ...map.list, layersFrom: 'map' as const };
  const described = description && { ...description, layersFrom: 'service-description' as const };
  return (isHosted ? (described ?? fromMap) : (fromMap ?? described)) ?? none;
}

/** Only a toolbox beside the result is what was published; those in folders are its sources. */
async function readTasks(
  texts: ReadonlyMap<string, Buffer>,
  type: string,
): Promise<string[] | undefined> {
  const toolbox = [...texts].find(([member]) => /\.atbx$/i.test(member));
  if (type.toLowerCase() !== 'gpserver' || !toolbox) return undefined;
  return await orNothingLater(readTools(toolbox[1]));
}

function findVersionFolder(
  resourcePath: string,
  memberNames: readonly string[],
): string | undefined {
  const ofResource = /^([^/]+)\//.exec(resourcePath)?.[1];
  return ofResource ?? memberNames.map((name) => /^([vp]\d+)\//i.exec(name)?.[1]).find(Boolean);
}

/** Connection files keep their properties as UTF-16; one called PASSWORD is there only with a password. */
function findConnectionFilesWithPassword(texts: ReadonlyMap<string, Buffer>): string[] {
  const key = Buffer.from('PASSWORD\0', 'utf16le');
  return [...texts]
    .filter(([member, content]) => /\.(sde|ags)$/i.test(member) && content.includes(key))
    .map(([member]) => member);
}
