import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** Documents made by ArcGIS itself; they are not ours to keep in the repository. */
export const samples = resolve(process.env.PRESSROOM_SAMPLES ?? '../shared/samples');
export const hasSamples = existsSync(samples);
if (!hasSamples) console.warn('Skipped: no sample files in PRESSROOM_SAMPLES or ../shared/samples');
