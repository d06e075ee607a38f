/** A half of a surrogate pair, or what looks like one, in JSON text. */
const halfPair = /\\ud[89a-f]/i;

/**
 * JSON for a script in Redis. Half a surrogate pair, as a text cut off in an emoji has, is replaced: the
 * JSON reader of Redis refuses the whole document for it.
 */
export function toScriptJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!halfPair.test(text)) return text; // whole pairs stand as they are, only halves are escaped
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'string' ? Buffer.from(inner).toString() : inner,
  );
}
