import type { ServiceTarget } from './service-target.ts';

/** The geoprocessing service that publishes, and its twin in the ArcGIS Pro runtime with the same tasks. */
export const publishingToolsNames = ['PublishingTools', 'PublishingToolsEx'] as const;
export type PublishingToolsName = (typeof publishingToolsNames)[number];

export function publishingToolsTarget(name: PublishingToolsName): ServiceTarget {
  return { folder: 'System', serviceName: name, type: 'GPServer' };
}
