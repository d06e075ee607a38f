/** Paths in documents are those of Windows; `/` is accepted for `\`, as ArcGIS does. */
export function isRelativePath(path: string): boolean {
  return !/^(?:[a-z]:|[\\/]|[a-z][a-z0-9+.-]{1,20}:\/\/)/i.test(path);
}

/** The absolute path of a relative one, or undefined when it goes above the root. */
export function resolvePath(folder: string, relative: string): string | undefined {
  const separator = folder.includes('\\') || /^[a-z]:/i.test(folder) ? '\\' : '/';
  const [root, ...rest] = splitRoot(folder);
  const parts = [...rest];
  for (const part of relative.split(/[\\/]+/)) {
    if (part === '..') {
      if (parts.length === 0) return undefined;
      parts.pop();
    } else if (part !== '.' && part !== '') parts.push(part);
  }
  return `${root}${parts.join(separator)}`;
}

/** `C:\`, `\\host\share\` or `/`, then the folders. */
function splitRoot(folder: string): [root: string, ...folders: string[]] {
  const root = /^(?:[a-z]:[\\/]?|[\\/]{2}[^\\/]+[\\/]+[^\\/]+[\\/]?|\/)/i.exec(folder)?.[0] ?? '';
  const folders = folder
    .slice(root.length)
    .split(/[\\/]+/)
    .filter(Boolean);
  const closed = root === '' || /[\\/]$/.test(root) ? root : `${root}\\`;
  return [closed, ...folders];
}

/**
 * The path that leads from one folder to a place, as ArcGIS writes it (`.\x`, `..\x`); undefined when they
 * have no common root.
 */
export function relativePath(folder: string, place: string): string | undefined {
  const [fromRoot, ...from] = splitRoot(folder);
  const [toRoot, ...to] = splitRoot(place);
  if (toComparable(fromRoot) !== toComparable(toRoot)) return undefined;
  let common = 0;
  while (
    common < from.length &&
    common < to.length &&
    toComparable(from[common] ?? '') === toComparable(to[common] ?? '')
  ) {
    common += 1;
  }
  const up = from.slice(common).map(() => '..');
  const parts = [...(up.length > 0 ? up : ['.']), ...to.slice(common)];
  return parts.join('\\');
}

/** For comparing paths: case and kind of slash do not count, nor does a closing one. */
export function toComparable(path: string): string {
  return path
    .replaceAll('/', '\\')
    .replace(/(?!^)\\+/g, '\\')
    .replace(/\\+$/, '')
    .toLowerCase();
}
