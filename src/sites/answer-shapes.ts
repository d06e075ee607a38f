import { z } from 'zod';
import { OutcomeUnknownError, SiteError } from './site-errors.ts';
import type { Asked } from './site-failures.ts';

/** Numbers come as numbers or as text, by release and by resource. */
export const NumberLike = z.union([
  z.number(),
  z
    .string()
    .regex(/^\s*-?\d+(\.\d+)?\s*$/)
    .transform(Number),
]);

/** `extensions[].enabled` and every value in `properties` are text even where they mean a boolean. */
export const BooleanLike = z.union([
  z.boolean(),
  z
    .string()
    .regex(/^(true|false)$/i)
    .transform((text) => text.toLowerCase() === 'true'),
]);

/** A text that may be missing, null or empty: all three mean the same. */
export const TextLike = z
  .union([z.string(), z.number().transform(String)])
  .nullish()
  .transform((text) => (text === null || text === '' ? undefined : text));

/** A field that may be missing or make no sense; it is never the reason to refuse an answer. */
export function lenient<T extends z.ZodType>(shape: T) {
  return shape.optional().catch(undefined);
}

export const JsonObject = z.record(z.string(), z.unknown());
export type JsonObject = z.output<typeof JsonObject>;

/**
 * Only the fields that are used are looked at: each release adds its own.
 *
 * @throws SiteError after a read, OutcomeUnknownError after a change: the site said yes to something
 */
export function parseAnswer<T extends z.ZodType>(
  shape: T,
  json: unknown,
  asked: Asked,
): z.output<T> {
  const { data, error } = shape.safeParse(json);
  if (!error) return data;
  const message = `The answer of ${asked.site} when asked to ${asked.to} lacks what is needed: ${z.prettifyError(error)}`;
  const facts = { site: asked.site, answerExcerpt: JSON.stringify(json).slice(0, 2_000) };
  throw asked.kind === 'change'
    ? new OutcomeUnknownError(message, facts, { cause: error })
    : new SiteError(message, facts, { cause: error });
}

/** The same object with lower-case keys: the case of some keys varies by release (Esri, "Info"). */
export function withLowerCaseKeys(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key.toLowerCase(), value]));
}
