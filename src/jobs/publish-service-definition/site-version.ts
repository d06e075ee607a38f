/**
 * Major and minor of a version of ArcGIS Server, from `fullVersion` ("10.9.1") or from `currentVersion`,
 * where 10.81 stands for 10.8.1 (Esri, "Server Info").
 */
export function parseVersion(text: string): { major: number; minor: number } | undefined {
  const match = /^(\d+)(?:\.(\d+))?/.exec(text);
  if (!match) return undefined;
  const minor = match[2] ?? '0';
  const isShortForm = match[1] === '10' && minor.length === 2;
  return { major: Number(match[1]), minor: Number(isShortForm ? minor[0] : minor) };
}

/** False when the version cannot be read: an unknown version hinders nothing. */
export function isAtLeast(text: string, major: number, minor: number): boolean {
  const version = parseVersion(text);
  if (!version) return false;
  return version.major > major || (version.major === major && version.minor >= minor);
}
