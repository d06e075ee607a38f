/** What a caller would like (RFC 7240); what we do not know is passed over. */
export type Preferences = { isAsync: boolean; waitSeconds?: number };

const longestWaitSeconds = 60;

export function parsePrefer(header: string | string[] | undefined): Preferences {
  if (header === undefined) return { isAsync: false };
  const wishes = new Map<string, string>();
  for (const wish of [header ?? []].flat().join(',').split(',')) {
    const [, name, value = ''] = /^\s*([\w-]+)\s*(?:=\s*"?([^";]*)"?)?/.exec(wish) ?? [];
    const key = name?.toLowerCase();
    if (key && !wishes.has(key)) wishes.set(key, value.trim()); // of a repeated wish only the first counts
  }
  const wait = wishes.get('wait');
  return {
    isAsync: wishes.has('respond-async'),
    ...(wait && /^\d+$/.test(wait) && { waitSeconds: Math.min(Number(wait), longestWaitSeconds) }),
  };
}

/** The answer's `Preference-Applied`; nothing when nothing was asked for. */
export function toPreferenceApplied({ isAsync, waitSeconds }: Preferences): string | undefined {
  const applied = [
    ...(isAsync ? ['respond-async'] : []),
    ...(waitSeconds === undefined ? [] : [`wait=${waitSeconds}`]),
  ];
  return applied.length > 0 ? applied.join(', ') : undefined;
}
