import { randomUUID } from 'node:crypto';
import type { CompleteSpec, DatabaseSpec } from './definition-spec.ts';
import { element, list, propertySet, writeArcgisXml, type XmlElementSpec } from './xml-text.ts';

const fileGeodatabase = 'esriDataSourcesGDB.FileGDBWorkspaceFactory';

/** manifest.xml with its elements in the order of ArcGIS. */
export function buildManifest(spec: CompleteSpec): string {
  const databases = spec.databases.map((database) => buildDatabase(database, spec.versionFolder));
  return writeArcgisXml('SVCManifest', spec.schemaVersion, [
    list('Databases', 'SVCDatabase', databases),
    list('Resources', 'SVCResource', [buildResource(spec)]),
    element('ID', randomUUID().toUpperCase()),
    element('Name', spec.serviceName),
    ...['OnPremisePath', 'StagingPath', 'ServerPath', 'InPackagePath'].map((name) => element(name)),
    // ArcMap 10.3 says `true` here even when the data come along.
    element('ByReference', spec.runtime === 'ArcMap' || !spec.databases.some((it) => it.isCopied)),
    element('Type', `esriServiceDefinitionType_${spec.publishType}`),
    element('State', 'esriSDState_Staged'),
    element(
      'ServerType',
      `esriSVCServerType_${spec.isHosted ? 'LightweightOnline' : 'FullServer'}`,
    ),
    element('DataFolder'),
    propertySet('StagingSettings', buildStagingSettings(spec)),
    ...(spec.runtime === 'ArcMap' ? [] : [propertySet('TemplateSettings', templateOf(spec))]),
    element('KeepExistingData', false),
    element('KeepExistingMapCache', spec.keepsMapCache),
    element('ClientHostName'),
    element('OnServerName'),
  ]);
}

function buildResource(spec: CompleteSpec): XmlElementSpec {
  const [, fileName = ''] = spec.resourcePath.split('/');
  const hasMap = fileName.endsWith('.msd');
  return {
    name: 'SVCResource',
    content: [
      element('ID', randomUUID().toUpperCase()),
      element('Name', fileName),
      ...['OnPremisePath', 'StagingPath', 'ServerPath'].map((name) => element(name)),
      element('InPackagePath', spec.resourcePath.replaceAll('/', '\\')),
      element('OnServerName'),
      element('ClientName'),
      ...(spec.runtime === 'ArcMap'
        ? []
        : [element('CIMPath', hasMap ? 'CIMPATH=map/map.xml' : ''), element('RepositoryID', 0)]),
    ],
  };
}

function buildDatabase(database: DatabaseSpec, versionFolder: string): XmlElementSpec {
  const { name, isCopied, datasets = [] } = database;
  const source = database.connectionString ?? `DATABASE=C:\\data\\${name}`;
  const place = isCopied ? `${versionFolder}\\${name.toLowerCase()}` : '';
  const factory = database.workspaceFactory ?? fileGeodatabase;
  const items = datasets.map((dataset) => buildDataset(dataset, place));
  return {
    name: 'SVCDatabase',
    content: [
      element('ID', `{${randomUUID().toUpperCase()}}`),
      element('Name', isCopied ? name.toLowerCase() : name),
      ...[element('OnPremisePath'), element('ServerPath'), element('InPackagePath', place)],
      element('OnPremiseWorkspaceFactoryProgID', factory),
      element('OnPremiseConnectionString', source),
      element('InPackageWorkspaceFactoryProgID', isCopied ? fileGeodatabase : ''),
      list('Datasets', 'SVCDataset', items),
      list('Replicas', 'SVCReplica', []),
      element('SwizzledOnClient', false),
      element('ByReference', !isCopied),
      element('OnServerWorkspaceFactoryProgID', isCopied ? fileGeodatabase : factory),
      element('OnServerConnectionString', isCopied ? `DATABASE=C:\\staging\\${place}` : source),
      element('OnServerName', name),
    ],
  };
}

function buildDataset(dataset: { name: string; type?: string }, place: string): XmlElementSpec {
  return {
    name: 'SVCDataset',
    content: [
      element('ID', `{${randomUUID().toUpperCase()}}`),
      element('Name', dataset.name),
      ...[element('OnPremisePath'), element('ServerPath')],
      element('InPackagePath', place ? `${place}\\${dataset.name}` : ''),
      element('OnServerName', dataset.name),
      element('DatasetType', `esriDT${dataset.type ?? 'FeatureClass'}`),
    ],
  };
}

function buildStagingSettings(spec: CompleteSpec): Record<string, string | boolean | number> {
  const isCopied = spec.databases.some((database) => database.isCopied);
  return {
    PackageUnderMyContent: spec.isHosted,
    PackageIsPublic: false,
    SaveToSDFile: 'TRUE',
    ...(spec.isHosted && { ServiceProvider: 'SDS' }),
    IncludeDataInSDFile: isCopied && spec.runtime !== 'ArcMap' ? 'TRUE' : 'FALSE',
    ...(spec.runtime !== 'ArcMap' && { ServerRunTimeVersion: 209 }),
    ...spec.stagingSettings,
  };
}

function templateOf({ type, isHosted }: CompleteSpec): Record<string, string> {
  if (isHosted) {
    const isFeatures = type === 'FeatureServer';
    return {
      TemplateID: isFeatures ? '2' : '1',
      TemplateType: isFeatures ? 'AGOFeatureServer' : 'AGOMapServer',
    };
  }
  return type === 'MapServer' ? { TemplateID: '104', TemplateType: 'AGSMapServer' } : {};
}
