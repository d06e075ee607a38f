import { holdsSecret, isPasswordName, readConnectionString } from './connection-string.ts';
import type { ServiceDefinitionDatabase } from './service-definition.ts';
import {
  childrenOf,
  elementAt,
  parseXml,
  propertySetAt,
  textAt,
  type XmlElement,
} from './xml-document.ts';

export type Manifest = {
  name: string;
  publishType: 'New' | 'Replacement';
  state: string;
  keepsMapCache: boolean;
  serverType: string;
  databases: ServiceDefinitionDatabase[];
  /** Path of the map or toolbox inside the definition, with `/`. */
  resourcePath: string;
  /** Member of the map document that is published, such as `map/map.xml`; Pro only. */
  cimMember: string | undefined;
  schemaVersion: string | undefined;
  serverRuntimeVersion: number | undefined;
  creatorVersion: string | undefined;
  /** Marks that only ArcGIS Pro leaves: TemplateSettings, CIMPath, SDCreatorVersion. */
  hasProMarks: boolean;
  /** Version of ArcMap in the path of its staging folder (`Desktop10.4`). */
  arcMapVersion: string | undefined;
  secretPlaces: string[];
};

/**
 * Reads manifest.xml of a staged definition.
 *
 * @throws DocumentError unreadable_document when it is not XML
 */
export function readManifest(content: Buffer, memberNames: readonly string[]): Manifest {
  const root = parseXml(content, 'manifest.xml');
  const settings = propertySetAt(elementAt(root, 'StagingSettings'));
  const resource = elementAt(root, 'Resources', 'SVCResource');
  const creatorVersion = settings.get('sdcreatorversion') || undefined;
  const runtimeVersion = Number.parseInt(settings.get('serverruntimeversion') ?? '', 10);
  const cimPath = textAt(resource, 'CIMPath');
  return {
    name: textAt(root, 'Name'),
    // A site makes the same of anything but Replacement, as far as we know: a new service. Not verified.
    publishType: /_Replacement$/i.test(textAt(root, 'Type')) ? 'Replacement' : 'New',
    state: withoutPrefix(textAt(root, 'State')),
    keepsMapCache: textAt(root, 'KeepExistingMapCache').toLowerCase() === 'true',
    serverType: withoutPrefix(textAt(root, 'ServerType')),
    databases: childrenOf(elementAt(root, 'Databases'), 'SVCDatabase').map((database) =>
      readDatabase(database, memberNames),
    ),
    resourcePath: withSlashes(textAt(resource, 'InPackagePath')),
    cimMember: cimPath.replace(/^CIMPATH=/i, '') || undefined,
    schemaVersion: readSchemaVersion(root),
    serverRuntimeVersion: Number.isNaN(runtimeVersion) ? undefined : runtimeVersion,
    creatorVersion,
    hasProMarks: Boolean(creatorVersion || cimPath || elementAt(root, 'TemplateSettings')),
    arcMapVersion: findArcMapVersion(root),
    secretPlaces: findSecretPlaces(root),
  };
}

/** `esriSDState_Staged` says `Staged`. */
function withoutPrefix(value: string): string {
  return value.replace(/^esri\w+?_/i, '');
}

function withSlashes(path: string): string {
  return path.replaceAll('\\', '/');
}

function readSchemaVersion(root: XmlElement): string | undefined {
  const namespace = root.getAttribute('xmlns:typens') ?? '';
  return /\/ArcGIS\/([\d.]+)$/i.exec(namespace)?.[1];
}

function findArcMapVersion(root: XmlElement): string | undefined {
  const databases = childrenOf(elementAt(root, 'Databases'), 'SVCDatabase');
  const paths = [
    textAt(root, 'OnPremisePath'),
    ...databases.map((database) => textAt(database, 'OnServerConnectionString')),
  ];
  return paths
    .map((path) => /[\\/]Desktop(10\.\d+)[\\/]/i.exec(path)?.[1])
    .find((version) => version !== undefined);
}

/**
 * The root's ByReference says nothing: ArcMap writes `true` there although the data come along. Each database
 * tells for itself, and is believed when its place is among the members.
 */
function readDatabase(
  database: XmlElement,
  memberNames: readonly string[],
): ServiceDefinitionDatabase {
  const inPackagePath = withSlashes(textAt(database, 'InPackagePath'));
  const isReferenced = textAt(database, 'ByReference').toLowerCase() === 'true';
  const isCopied = !isReferenced && isPacked(inPackagePath, memberNames);
  const source = textAt(database, 'OnPremiseConnectionString');
  const factory = isCopied ? 'InPackageWorkspaceFactoryProgID' : 'OnPremiseWorkspaceFactoryProgID';
  return {
    name: textAt(database, 'Name'),
    isCopied,
    workspaceFactory: textAt(database, factory).replace(/\.\d+$/, ''),
    connection: isCopied
      ? { kind: 'path', path: inPackagePath }
      : readConnectionString(source || textAt(database, 'OnServerConnectionString')),
    ...(isCopied && source !== '' && { source: readConnectionString(source) }),
    datasets: childrenOf(elementAt(database, 'Datasets'), 'SVCDataset').map((dataset) => ({
      name: textAt(dataset, 'Name'),
      type: textAt(dataset, 'DatasetType').replace(/^esriDT/, ''),
    })),
  };
}

function isPacked(inPackagePath: string, memberNames: readonly string[]): boolean {
  const place = inPackagePath.toLowerCase().replace(/\/+$/, '');
  if (place === '') return false;
  return memberNames.some((name) => {
    const member = name.toLowerCase();
    return member === place || member.startsWith(`${place}/`);
  });
}

function findSecretPlaces(element: XmlElement, place = ''): string[] {
  const children = childrenOf(element);
  if (children.length === 0) return holdsSecret(element.textContent ?? '') ? [place] : [];
  if (isPasswordName(textAt(element, 'Key')) && textAt(element, 'Value') !== '') return [place];
  return children.flatMap((child) => {
    const step = `${child.tagName}${nameForPlace(child)}`;
    return findSecretPlaces(child, place ? `${place}/${step}` : step);
  });
}

/** The key of a property or the name of a database, so that one finds the place again. */
function nameForPlace(element: XmlElement): string {
  const name = (textAt(element, 'Key') || textAt(element, 'Name')).slice(0, 80);
  return name && !holdsSecret(name) ? `[${name}]` : '';
}
