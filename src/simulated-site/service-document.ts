import { isDeepStrictEqual } from 'node:util';
import type { ServiceJson } from './service-json.ts';
import { type Service, serviceLabel } from './services.ts';
import { SiteRefusal } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';

/**
 * A missing key means that its value is lost or that the call fails (Esri, "Edit Service"): here it fails
 * and is remembered. Names and types cannot be edited.
 */
export function checkServiceDocument(
  site: SiteState,
  service: Service,
  written: ServiceJson,
): void {
  const label = serviceLabel(service);
  const missing = Object.keys(service.json).filter((key) => !(key in written));
  if (missing.length > 0) {
    site.violations.record('incomplete-document', `${label} without ${missing.join(', ')}`);
    throw new SiteRefusal(500, `The service JSON is not complete: ${missing.join(', ')} missing.`);
  }
  const { serviceName, type } = service.json;
  if (written.serviceName !== serviceName || written.type !== type) {
    throw new SiteRefusal(500, 'The name and the type of a service cannot be edited.');
  }
  const { minInstancesPerNode = 0, maxInstancesPerNode = 0 } = written;
  if (Number(minInstancesPerNode) > Number(maxInstancesPerNode)) {
    throw new SiteRefusal(500, 'minInstancesPerNode is more than maxInstancesPerNode.'); // not verified
  }
  if (isDeepStrictEqual(written, service.json)) {
    site.violations.record('edit-without-change', `${label} restarts for nothing`);
  }
  refuseWrongProperties(site, written);
}

export function refuseWrongProperties(site: SiteState, written: ServiceJson): void {
  const wrong = notStrings(written);
  if (wrong.length === 0) return;
  const label = `${written.serviceName}.${written.type}`;
  site.violations.record('property-not-string', `${label}: ${wrong.join(', ')}`);
  throw new SiteRefusal(500, `Properties have to be strings: ${wrong.join(', ')}.`);
}

/** Every value in `properties` is a string, and so is `enabled` of an extension. */
function notStrings({ properties = {}, extensions = [] }: ServiceJson): string[] {
  const inProperties = Object.keys(properties).filter((key) => typeof properties[key] !== 'string');
  const inExtensions = extensions
    .filter(({ enabled }) => typeof enabled !== 'string')
    .map(({ typeName }) => `${typeName}.enabled`);
  return [...inProperties, ...inExtensions];
}
