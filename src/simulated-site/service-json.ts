import type { SiteSettings } from './settings.ts';

/** The JSON of a service as the Administrator API shows it. Unknown keys survive. */
export type ServiceJson = {
  serviceName: string;
  type: string;
  description?: string;
  capabilities?: string;
  provider?: string;
  minInstancesPerNode?: number;
  maxInstancesPerNode?: number;
  configuredState?: string;
  private?: boolean;
  isDefault?: boolean;
  properties?: Record<string, string>;
  extensions?: { typeName: string; enabled: string; [key: string]: unknown }[];
  portalProperties?: { isHosted: boolean; portalItems: { itemID: string; type: string }[] };
  [key: string]: unknown;
};

/** Esri, "Service JSON": what every service has. */
const commonKeys = {
  description: '',
  capabilities: '',
  clusterName: 'default',
  minInstancesPerNode: 1,
  maxInstancesPerNode: 2,
  instancesPerContainer: 1,
  maxWaitTime: 60,
  maxStartupTime: 300,
  maxIdleTime: 1800,
  maxUsageTime: 600,
  loadBalancing: 'ROUND_ROBIN',
  isolationLevel: 'HIGH',
  configuredState: 'STARTED',
  recycleInterval: 24,
  recycleStartTime: '00:00',
  keepAliveInterval: 1800,
  private: false,
  isDefault: false,
  maxUploadFileSize: 0,
  allowedUploadFileTypes: '',
  properties: {},
  extensions: [],
  portalProperties: { isHosted: false, portalItems: [] },
  frameworkProperties: {},
  jsonProperties: {},
  datasets: [],
};

const directory = (name: string) => `/srv/arcgis/directories/${name}`;

/** The server fills in its own directories; a definition leaves them empty or names the author's. */
function serverProperties(service: { serviceName: string; type: string }, folder: string) {
  const place = `${directory('arcgissystem')}/arcgisinput/${folder ? `${folder}/` : ''}`;
  const input = `${place}${service.serviceName}.${service.type}/extracted`;
  const output = {
    outputDir: directory('arcgisoutput'),
    virtualOutputDir: '/rest/directories/arcgisoutput',
  };
  const cache = {
    cacheDir: directory('arcgiscache'),
    virtualCacheDir: '/rest/directories/arcgiscache',
  };
  const byType: Record<string, Record<string, string>> = {
    MapServer: { ...output, ...cache, filePath: `${input}/p20/${service.serviceName}.msd` },
    ImageServer: { ...output, ...cache },
    GPServer: {
      ...output,
      jobsDirectory: directory('arcgisjobs'),
      jobsVirtualDirectory: '/rest/directories/arcgisjobs',
      toolbox: `${input}/p20/${service.serviceName}.tbx`,
    },
    GeocodeServer: { virtualOutputDir: '/rest/directories/arcgisoutput' },
  };
  return byType[service.type] ?? {};
}

/** What the site makes of the `service` part of a definition's configuration. */
export function toLiveService(
  written: ServiceJson,
  { folder, provider }: { folder: string; provider: string },
): ServiceJson {
  return {
    ...structuredClone(commonKeys),
    provider,
    ...structuredClone(written),
    properties: { ...written.properties, ...serverProperties(written, folder) },
  };
}

/** Services that every site has: System and Utilities cannot be deleted. Esri, "Services". */
export function systemServices(settings: SiteSettings): { folder: string; json: ServiceJson }[] {
  const provider = Number(settings.version.split('.')[0]) < 11 ? 'ArcObjects' : 'ArcObjects11';
  const make = (folder: string, serviceName: string, type: string, more: object = {}) => ({
    folder,
    json: toLiveService(
      { serviceName, type, isDefault: true, ...more },
      { folder, provider: serviceName.endsWith('Ex') ? 'ArcObjects11' : provider },
    ),
  });
  const publishing = {
    maxInstancesPerNode: settings.publishingInstances,
    maxUsageTime: 2880,
    properties: {
      executionType: 'Asynchronous',
      showMessages: 'Info',
      maximumRecords: '1000',
      resultMapServer: 'false',
    },
  };
  return [
    make('System', 'PublishingTools', 'GPServer', publishing),
    make('System', 'PublishingToolsEx', 'GPServer', publishing),
    make('System', 'CachingControllers', 'GPServer'),
    make('System', 'CachingTools', 'GPServer'),
    make('System', 'ReportingTools', 'GPServer'),
    make('Utilities', 'Geometry', 'GeometryServer'),
    make('Utilities', 'PrintingTools', 'GPServer'),
  ];
}
