import type { CompleteSpec } from './definition-spec.ts';

const ownProperties: Record<CompleteSpec['type'], Record<string, string>> = {
  MapServer: { filePath: '', maxRecordCount: '2000', isCached: 'false', minScale: '0' },
  FeatureServer: { maxRecordCount: '2000', allowGeometryUpdates: 'true' },
  ImageServer: { maxImageHeight: '4100', maxImageWidth: '15000', colormapToRGB: 'false' },
  GPServer: {
    ...{ toolbox: '', executionType: 'Asynchronous', showMessages: 'Info' },
    ...{ maximumRecords: '1000', resultMapServer: 'false', jobsDirectory: '' },
  },
  GeocodeServer: { locator: '', suggestedBatchSize: '1000', maxBatchSize: '1000' },
  GeoDataServer: { connectionString: '', maxRecordCount: '2000' },
};

/**
 * serviceconfiguration.json: minified, every property a string, extensions switched by the strings `true`
 * and `false`.
 *
 * @see Esri, ArcGIS Server Administrator API, "Service"
 */
export function buildServiceConfiguration(spec: CompleteSpec): string {
  const head = {
    ...{ serviceName: spec.serviceName, type: spec.type, description: spec.summary },
    capabilities: spec.capabilities.join(','),
    properties: { ...ownProperties[spec.type], ...spec.properties },
  };
  const extensions = spec.extensions.map((extension) => ({
    enabled: String(extension.isEnabled ?? true),
    typeName: extension.typeName,
    capabilities: (extension.capabilities ?? []).join(','),
    properties: {},
  }));
  const service = spec.isHosted
    ? { ...head, extensions }
    : { ...head, ...poolOf(spec), extensions };
  return JSON.stringify({ folderName: spec.folder, service });
}

/** Hosted definitions have none of this. */
function poolOf({ runtime, minInstances, maxInstances }: CompleteSpec) {
  return {
    clusterName: 'default',
    ...{ maxIdleTime: 1800, maxWaitTime: 60, maxUsageTime: 600 },
    ...(runtime === 'ArcGIS Pro' && { maxStartupTime: 300 }),
    ...{ isolationLevel: 'HIGH', loadBalancing: 'ROUND_ROBIN', configuredState: 'STARTED' },
    ...{ minInstancesPerNode: minInstances, maxInstancesPerNode: maxInstances },
    ...{ instancesPerContainer: 1, keepAliveInterval: 1800 },
    provider: runtime === 'ArcMap' ? 'ArcObjects' : 'ArcObjects11',
  };
}
