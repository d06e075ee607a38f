import type { Fault } from './faults.ts';
import { SiteRefusal } from './site-refusal.ts';

/** Both texts were seen on real sites. */
export function busyText(fault?: Fault): string {
  return Number(fault?.text ?? 1) === 2
    ? 'ArcGIS Server Site currently being configured by another administrative operation: please Try again Later.'
    : 'Another administrative operation is currently accessing the store. Please try again later.';
}

export const storeBusy = (fault?: Fault) => new SiteRefusal(500, busyText(fault));
