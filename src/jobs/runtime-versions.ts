import type { RuntimeProbe } from '../arcpy/runtime-probe.ts';

/**
 * The ArcGIS Pro that an ArcPy belongs to: 11.0 of the server is 3.0 of Pro, and so on (Esri, "ArcGIS Server and
 * ArcPy"; 12.0 is inferred).
 *
 * @returns nothing for a version that is not understood
 */
export function toProVersion(version: string): [major: number, minor: number] | undefined {
  if (!/^\d{1,3}(?:\.\d+)*$/.test(version)) return undefined;
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (major < 10) return [major, minor];
  if (major === 10) {
    if (minor < 8) return undefined;
    if (minor === 8) return patch >= 1 ? [2, 6] : [2, 5];
    return patch >= 1 ? [2, 9] : [2, 8];
  }
  return major === 11 ? [3, minor] : [3, 6 + minor];
}

/** What `GET /v1/arcpy-runtimes` and the doctor say of a pair. Nothing when there is nothing to say. */
export function findMismatch(
  { product, version, packages }: Pick<RuntimeProbe, 'product' | 'version' | 'packages'>,
  siteVersion: string,
): string | undefined {
  const packed = Object.entries(packages).find(([name]) =>
    /^(arcgis-server-|arcpy-server$)/.test(name),
  );
  if (packed !== undefined && !isSamePackage(packed[1], siteVersion)) {
    return `the package ${packed.join(' ')} has to be of the version of the server, ${siteVersion}`;
  }
  const [ours, theirs] = [toProVersion(version), toProVersion(siteVersion)];
  if (!ours || !theirs) return undefined;
  if (isBefore(theirs, [3, 0]) && !isBefore(ours, [3, 0])) {
    return `${nameOf(product)} ${version} drafts for ${siteVersion} with the target ENTERPRISE_10x only`;
  }
  if (!isBefore(theirs, [3, 0]) && isBefore(ours, [3, 0])) {
    return `${nameOf(product)} ${version} cannot draft for ${siteVersion}`;
  }
  if (isBefore(theirs, ours)) {
    return `${nameOf(product)} ${version} is newer than the site (${siteVersion}): data of newer kinds are refused there (00396)`;
  }
  return undefined;
}

/**
 * What to know of a document of a newer ArcGIS Pro. Esri says that such a project may not open in an older ArcPy; which
 * version opens what is not verified, so nothing is refused for it.
 */
export function findNewerDocument(
  savedBy: string | undefined,
  runtimeVersion: string,
): string | undefined {
  const [saved, ours] = [toProVersion(savedBy ?? ''), toProVersion(runtimeVersion)];
  if (!saved || !ours || !isBefore(ours, saved)) return undefined;
  const pro = ours.join('.');
  const own =
    pro === runtimeVersion ? `ArcGIS Pro ${pro}` : `${runtimeVersion} (ArcGIS Pro ${pro})`;
  return `The document was saved by ArcGIS Pro ${savedBy}, and ArcPy is that of ${own}: an older ArcPy may not open a project of a newer version. Save it for the older version, or name a newer runtime.`;
}

export function isBefore(one: readonly number[], other: readonly number[]): boolean {
  for (const [index, number] of one.entries()) {
    const against = other[index] ?? 0;
    if (number !== against) return number < against;
  }
  return false;
}

/** `11.1.0` is of `11.1`. */
function isSamePackage(packed: string, siteVersion: string): boolean {
  const parts = (text: string) => [...text.split('.'), '0', '0'].slice(0, 3).map(Number);
  return parts(packed).join('.') === parts(siteVersion).join('.');
}

function nameOf(product: RuntimeProbe['product']): string {
  return product === 'server' ? 'ArcPy of ArcGIS Server' : 'ArcPy of ArcGIS Pro';
}
