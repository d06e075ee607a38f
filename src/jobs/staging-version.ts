import type { DraftWish } from './arcpy-inputs.ts';
import { isAtLeast } from './publish-service-definition/site-version.ts';

type Kind = 'MapServer' | 'ImageServer' | 'GPServer' | 'GeocodeServer';
type Wish = Pick<DraftWish, 'stagingVersion' | 'target'>;

/**
 * What speaks against the number that StageService is to be given. Esri's page tells 102, the default, for map image
 * layers and web tools, and 5 for feature, tile and imagery layers; its list for tools by version of the server could
 * not be read. Drafts of 10.9 carry 208, of 10.9.1 209: that these are the numbers for staging, too, is inferred.
 *
 * @param siteVersion of the site that receives it, where that is known
 * @see Esri, "Stage Service"
 */
export function findStagingDoubts(
  kind: Kind,
  { stagingVersion, target }: Wish,
  siteVersion?: string,
): string[] {
  const isOlder =
    target === 'ENTERPRISE_10x' ||
    (target === undefined && siteVersion !== undefined && !isAtLeast(siteVersion, 11, 0));
  if (kind === 'GPServer') return doubtsAboutTools(stagingVersion, isOlder);
  if (stagingVersion === undefined || stagingVersion === 102) return [];
  if (kind === 'ImageServer' && stagingVersion === 5) return [];
  const known = kind === 'ImageServer' ? '5 (imagery layers) and 102 (the default)' : '102';
  return [
    `stagingVersion ${stagingVersion} is not what is documented for this kind of service: ${known}. ArcPy may refuse it, or make a definition that the site does not take.`,
  ];
}

function doubtsAboutTools(stagingVersion: number | undefined, isOlder: boolean): string[] {
  if (isOlder && stagingVersion === undefined) {
    return [
      'Tools for a site up to 10.9.1 are staged with a number for its version; without stagingVersion it is the default of ArcPy, 102. Most likely (not documented where we could read it) it is 209 for 10.9.1 and 208 for 10.9.',
    ];
  }
  if (!isOlder && (stagingVersion === 208 || stagingVersion === 209)) {
    return [
      `stagingVersion ${stagingVersion} most likely is that of a site of 10.9 or 10.9.1, and the target is newer.`,
    ];
  }
  return [];
}
