import type { JsonObject } from '../../sites/answer-shapes.ts';
import { toObject } from '../publish-service-definition/service-settings.ts';
import type { ServicePlan } from './schema.ts';

/** What a site does with tiles when a service is replaced is not verified: only what it is asked for is told. */
export function planTileCache(
  planned: JsonObject,
  live: JsonObject,
  keepsMapCache: boolean | undefined,
): ServicePlan['tileCache'] {
  if (!isCached(live)) return { effect: 'none', detail: 'The live service has no tile cache.' };
  if (!isCached(planned)) {
    return {
      effect: 'no-longer-used',
      detail:
        'The live service is drawn from a tile cache, and the new one would not be. Keep the settings of the cache (keep: cache) or switch it on in the overrides.',
    };
  }
  if (keepsMapCache) {
    return {
      effect: 'asked-to-keep',
      detail:
        'The definition asks the site to keep the tiles (KeepExistingMapCache). Whether a site does is not verified, and kept tiles show the old content until they are made anew.',
    };
  }
  return {
    effect: 'may-be-lost',
    detail:
      'The definition does not ask to keep the tiles (KeepExistingMapCache): they may be removed, or stay and show the old content; which of the two is not verified. Plan for making them anew.',
  };
}

function isCached(service: JsonObject): boolean {
  return String(toObject(service.properties).isCached).toLowerCase() === 'true';
}
