import type { Manifest } from './manifest.ts';
import type { ServiceDefinitionContent } from './service-definition.ts';

type Evidence = {
  provider: string | undefined;
  manifest: Manifest;
  memberNames: readonly string[];
  versionFolder: string | undefined;
  /** As the map document says, for instance `2.9.0`. */
  proVersion: string | undefined;
  /** As item.pkinfo says; Pro 1.x writes `10.1` there. */
  packageVersion: string | undefined;
};

const arcMapProviders = new Set(['arcobjects']);
const proProviders = new Set(['arcobjects11', 'dmaps', 'arcobjectsrasterrendering']);

/**
 * Which runtime the site needs. The provider says it where it is named; definitions of ArcMap 10.3 and
 * earlier and hosted ones name none, so then what only one of the programs leaves behind decides. The
 * schema version does not: ArcMap and Pro 1.x both write 10.1. A site may refuse on this, so without a sure
 * sign it is `unknown`.
 */
export function decideRuntime(evidence: Evidence): ServiceDefinitionContent['runtime'] {
  const provider = evidence.provider?.toLowerCase() ?? '';
  if (arcMapProviders.has(provider)) return 'ArcMap';
  if (proProviders.has(provider)) return 'ArcGIS Pro';
  const isArcMap = bearsArcMapMarks(evidence);
  const isPro = bearsProMarks(evidence);
  if (isArcMap === isPro) return 'unknown';
  return isArcMap ? 'ArcMap' : 'ArcGIS Pro';
}

function bearsArcMapMarks({ manifest, memberNames }: Evidence): boolean {
  return (
    manifest.arcMapVersion !== undefined ||
    memberNames.some((name) => /^[^/]+\/[^/]+\.(mxd|rlt)$/i.test(name))
  );
}

function bearsProMarks(evidence: Evidence): boolean {
  const { manifest, memberNames, versionFolder, proVersion } = evidence;
  return (
    manifest.hasProMarks ||
    proVersion !== undefined ||
    /^p\d+$/i.test(versionFolder ?? '') ||
    memberNames.some((name) => /^[^/]+\/[^/]+\.(mapx|rltx)$/i.test(name)) ||
    !/^(10\.|$)/.test(manifest.schemaVersion ?? '')
  );
}

/** Program and version, as far as the definition tells. */
export function describeMaker(
  evidence: Evidence,
  runtime: ServiceDefinitionContent['runtime'],
): string | undefined {
  const { manifest, proVersion, packageVersion } = evidence;
  if (runtime === 'ArcMap') {
    const version = manifest.arcMapVersion ?? packageVersion;
    return version ? `ArcMap ${version}` : 'ArcMap';
  }
  if (runtime === 'unknown') return undefined;
  const [, major, minor] = /Version(\d+)_(\d+)/i.exec(manifest.creatorVersion ?? '') ?? [];
  const schema = manifest.schemaVersion?.startsWith('10.') ? undefined : manifest.schemaVersion;
  const version = proVersion ?? (major ? `${major}.${minor}` : schema);
  return version ? `ArcGIS Pro ${version}` : 'ArcGIS Pro';
}
