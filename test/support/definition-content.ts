import {
  ServiceDefinitionContent,
  type ServiceDefinitionDatabase,
} from '../../src/documents/service-definition.ts';

/** What a definition of two layers holds, and what a test wants of it. */
export function definitionContent(
  wanted: Partial<ServiceDefinitionContent> = {},
): ServiceDefinitionContent {
  return ServiceDefinitionContent.parse({
    kind: 'service-definition',
    serviceName: 'Roads',
    folder: '',
    type: 'MapServer',
    tags: [],
    capabilities: ['Map', 'Query', 'Data'],
    extensions: [],
    runtime: 'ArcGIS Pro',
    isHosted: false,
    serverType: 'FullServer',
    publishType: 'New',
    state: 'Staged',
    layers: [
      { id: 0, name: 'Roads' },
      { id: 1, name: 'Bridges' },
    ],
    tables: [],
    layersFrom: 'map',
    databases: [],
    secretsFound: [],
    memberCount: 10,
    unpackedBytes: 1_000,
    ...wanted,
  });
}

export function databaseOf(
  connection: ServiceDefinitionDatabase['connection'],
  more: Partial<ServiceDefinitionDatabase> = {},
): ServiceDefinitionDatabase {
  return {
    name: 'roads',
    isCopied: false,
    workspaceFactory: 'esriDataSourcesGDB.SdeWorkspaceFactory.1',
    connection,
    datasets: [{ name: 'DBO.ROADS', type: 'FeatureClass' }],
    ...more,
  };
}
