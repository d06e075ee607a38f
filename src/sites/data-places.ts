/** Paths of Linux are told apart by case; those of Windows and of shares are not. */
export function isLinuxPath(path: string): boolean {
  return /^\/[^/]/.test(path);
}

/** For comparing places: the kind of slashes and a closing one do not count. */
export function toComparablePlace(path: string): string {
  const plain = path.replaceAll('\\', '/').replace(/\/+$/, '');
  return isLinuxPath(path) ? plain : plain.toLowerCase();
}

/** True for the folder itself and all in it. */
export function isWithin(path: string, folder: string): boolean {
  if (folder === '') return false;
  return `${toComparablePlace(path)}/`.startsWith(`${toComparablePlace(folder)}/`);
}
