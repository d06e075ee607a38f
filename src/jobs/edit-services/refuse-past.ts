import { RequestError } from '../../lib/errors.ts';
import type { Acceptance } from '../job-type.ts';
import type { EditServicesParams } from './schema.ts';

const longestMs = 366 * 86_400_000;

/** @throws RequestError for a time that has passed, or that is so far away that it must be a slip */
export function refusePast({ until }: EditServicesParams): Acceptance {
  const aheadMs = until === undefined ? 1 : Date.parse(until) - Date.now();
  if (aheadMs > 0 && aheadMs <= longestMs) return { locks: [], warnings: [] };
  const detail = aheadMs > 0 ? 'is more than a year away' : 'has passed already';
  throw new RequestError('validation_error', `until ${detail}.`, {
    errors: [{ pointer: '#/inputs/until', code: 'out_of_range', detail }],
  });
}
