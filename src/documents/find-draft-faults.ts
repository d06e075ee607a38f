import type { DraftContent } from './draft-content.ts';
import type { FaultOptions, MapFault } from './find-map-faults.ts';

/** What a draft itself tells against staging it. Its layers stand in the project that it was drafted from. */
export function findDraftFaults(
  draft: DraftContent,
  { summary, tags }: Pick<FaultOptions, 'summary' | 'tags'>,
): MapFault[] {
  const faults: MapFault[] = [];
  const source = 'neither the draft nor the request gives any';
  if (!(summary ?? draft.summary)) faults.push({ code: '00070', detail: source, isCertain: true });
  if ((tags ?? draft.tags).length === 0) {
    faults.push({ code: '00071', detail: source, isCertain: true });
  }
  for (const { where } of draft.secretsFound) {
    faults.push({ code: 'password_inside', detail: `It stands in ${where}`, isCertain: true });
  }
  return faults;
}
