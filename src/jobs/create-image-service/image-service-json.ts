import type { JsonObject } from '../../sites/answer-shapes.ts';
import type { SiteDirectory } from '../../sites/site-reader.ts';
import { isAtLeast } from '../publish-service-definition/site-version.ts';
import type { CreateImageServiceParams } from './schema.ts';

const sourceTypes = {
  raster: 'esriImageServiceSourceTypeDataset',
  mosaic: 'esriImageServiceSourceTypeMosaicDataset',
};

/** What every service has; numbers are numbers, and everything in `properties` is text (Esri, "Service JSON"). */
export function toImageServiceJson(
  params: CreateImageServiceParams,
  { version, directories }: { version?: string | undefined; directories: SiteDirectory[] },
): JsonObject {
  const { serviceName, path, description = '', capabilities, sourceType, properties = {} } = params;
  const texts = Object.entries(properties).map(([key, value]) => [key, String(value)]);
  return {
    serviceName,
    type: 'ImageServer',
    description,
    capabilities: capabilities.join(','),
    provider: version && !isAtLeast(version, 10, 7) ? 'ArcObjects' : 'ArcObjects11',
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
    properties: {
      description,
      copyright: '',
      cacheControlMaxAge: '43200',
      ...(sourceType && { esriImageServiceSourceType: sourceTypes[sourceType] }),
      ...directoriesOf(directories),
      ...Object.fromEntries(texts),
      path,
    },
    extensions: [],
    datasets: [],
  };
}

/** A client of long standing fills these in from the site's directories; without them the site has to. */
function directoriesOf(directories: SiteDirectory[]): Record<string, string> {
  const find = (type: string) => directories.find((each) => each.type.toUpperCase() === type);
  const [output, cache] = [find('OUTPUT'), find('CACHE')];
  return {
    ...(output && {
      outputDir: output.physicalPath,
      ...(output.virtualPath && { virtualOutputDir: output.virtualPath }),
    }),
    ...(cache && {
      cacheDir: cache.physicalPath,
      ...(cache.virtualPath && { virtualCacheDir: cache.virtualPath }),
    }),
  };
}
