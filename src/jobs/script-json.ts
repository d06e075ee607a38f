/**
 * JSON for a script in Redis. Half a surrogate pair, as a text cut off in an emoji has, is replaced: the
 * JSON reader of Redis refuses the whole document for it.
 */
export function toScriptJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'string' ? Buffer.from(inner).toString() : inner,
  );
}
