import { z } from 'zod';
import { RequestError } from '../lib/errors.ts';

const usualLimit = 10;
const highestLimit = 1_000;

/** Digits and nothing else: `Number` would also take ` 5`, `0x10` and `1e2`. */
function toNumber(text: unknown): unknown {
  if (typeof text !== 'string' || !/^-?\d+$/.test(text)) return text;
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}

export const Count = z.preprocess(toNumber, z.number().int().min(0));

/** How many entries a page has; more than the highest counts as the highest. */
export const Limit = z
  .preprocess(toNumber, z.number().int().min(1))
  .default(usualLimit)
  .describe(`Entries of one page; more than ${highestLimit} counts as ${highestLimit}`);

export function capped(limit: number): number {
  return Math.min(limit, highestLimit);
}

/** A parameter that may be repeated or hold a comma list: any of its values. */
export const ValueList = z.union([z.string(), z.array(z.string())]);

export function toValues(list: z.output<typeof ValueList> | undefined): string[] | undefined {
  if (list === undefined) return undefined;
  return [list].flat().flatMap((text) => text.split(',').map((value) => value.trim()));
}

/** @throws RequestError invalid_parameter when a value is none of the allowed ones */
export function oneOf<Value extends string>(
  parameter: string,
  values: string[] | undefined,
  allowed: readonly Value[],
): Value[] | undefined {
  const stranger = values?.find((value) => !allowed.includes(value as Value));
  if (stranger === undefined) return values as Value[] | undefined;
  throw invalidParameter(parameter, `one or more of ${allowed.join(', ')}`);
}

export type Interval = { fromMs?: number; toMs?: number };

/**
 * `dt`, `dt/dt`, `../dt`, `dt/..`, where an empty end is open, too (OGC API - Processes, `datetime`).
 *
 * @throws RequestError invalid_parameter
 */
export function parseInterval(text: string): Interval {
  const ends = text.split('/');
  const [from = '', to = from] = ends;
  const isOpen = (end: string) => end === '' || end === '..';
  if (ends.length > 2 || (isOpen(from) && isOpen(to))) throw invalidInterval();
  return {
    ...(!isOpen(from) && { fromMs: toMs(from) }),
    ...(!isOpen(to) && { toMs: toEndMs(to) }),
  };
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
/** Knows how many days a month has, which `Date` does not mind. */
const calendar = z.iso.datetime({ offset: true });

function toMs(text: string): number {
  const isTime = rfc3339.test(text) && calendar.safeParse(text.toUpperCase()).success;
  if (!isTime) throw invalidInterval();
  return Date.parse(text);
}

/** A time told in seconds means that whole second. */
function toEndMs(text: string): number {
  return toMs(text) + (text.includes('.') ? 0 : 999);
}

function invalidInterval(): RequestError {
  return invalidParameter(
    'datetime',
    'an RFC 3339 time, or two of them with a slash, `..` for an open end',
  );
}

function invalidParameter(parameter: string, wanted: string): RequestError {
  return new RequestError('invalid_parameter', `The parameter ${parameter} is not valid.`, {
    errors: [{ parameter, code: 'invalid_value', detail: wanted }],
  });
}
