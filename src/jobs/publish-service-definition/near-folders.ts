import { z } from 'zod';
import { isLinuxPath, isWithin, toComparablePlace } from '../../sites/data-places.ts';

/** The registered item that comes nearest, and in what it is another one. */
export const NearestItem = z.object({ path: z.string(), differsIn: z.array(z.string()) });
export type NearestItem = z.output<typeof NearestItem>;

type Folder = { path: string; server: string; client: string };

/**
 * People write one folder in several ways: by a drive letter or the share behind it, by the site's side of
 * a replicated item, in another case on Linux.
 */
export function findNearestFolder(
  path: string,
  folders: readonly Folder[],
): NearestItem | undefined {
  const near = folders.flatMap(({ path: item, server, client }): NearestItem[] => {
    if (server !== client && isWithin(path, server))
      return [{ path: item, differsIn: ["the publisher's side"] }];
    if (isWithin(path.toLowerCase(), client.toLowerCase()))
      return [{ path: item, differsIn: ['upper and lower case'] }];
    const [one, other] = [kindOf(path), kindOf(client)];
    if (one === other || !endsAlike(path, client)) return [];
    return [{ path: item, differsIn: [`kind of path (${one} against ${other})`] }];
  });
  return near[0];
}

function kindOf(path: string): string {
  if (/^[A-Za-z]:/.test(path)) return 'drive letter';
  return isLinuxPath(path) ? 'path of Linux' : 'UNC path';
}

/** The last folder of the item stands in the path too: that much a drive letter leaves. */
function endsAlike(path: string, folder: string): boolean {
  const segments = (text: string) =>
    toComparablePlace(text).toLowerCase().split('/').filter(Boolean);
  const last = segments(folder).at(-1) ?? '';
  return last.length > 1 && !last.endsWith(':') && segments(path).includes(last);
}
