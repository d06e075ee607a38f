import { z } from 'zod';
import { JsonObject, NumberLike, parseAnswer } from './answer-shapes.ts';
import type { CallOptions } from './site-client.ts';
import { isNotFound, isRefusal, SiteInsufficientPrivilegeError } from './site-errors.ts';
import type { Site } from './sites.ts';

/**
 * A data store item whole, with keys that we do not know and with secrets as they come: never to be
 * logged, answered or kept unsealed.
 */
export type WholeDataStoreItem = {
  /** Unique on the site, such as `/fileShares/roads`. */
  path: string;
  type: string;
  clientPath?: string | null | undefined;
  info: JsonObject;
  [more: string]: unknown;
};

const ItemAnswer = z.looseObject({
  path: z.string(),
  type: z.string(),
  clientPath: z.string().nullish(),
  info: JsonObject.nullish().transform((info) => info ?? {}),
});
const ItemList = z.looseObject({ items: z.array(ItemAnswer) });

/**
 * The item as the site holds it; undefined when there is none. An administrator is shown connections in
 * clear, and only where nobody can listen.
 *
 * @see Esri, "Data Item"
 */
export async function findWholeItem(
  site: Site,
  path: string,
  options: CallOptions = {},
): Promise<WholeDataStoreItem | undefined> {
  const to = `show the data store item ${path}`;
  try {
    return await decryptedIfAllowed(site, (params) =>
      readItem(site, ['data', 'items', ...toSegments(path)], { to, params, ...options }),
    );
  } catch (error) {
    if (isNotFound(error)) return undefined;
    if (!isRefusal(error) || error instanceof SiteInsufficientPrivilegeError) throw error;
    // What a site says of an item that is not there is not verified: its list tells for certain.
    const listed = (await findWholeItems(site, { parentPath: parentOf(path) }, options)).find(
      (item) => isSamePath(item.path, path),
    );
    if (listed) throw error;
    return undefined;
  }
}

async function readItem(
  site: Site,
  path: string[],
  call: { to: string; params: Record<string, string>; signal?: AbortSignal | undefined },
): Promise<WholeDataStoreItem> {
  const json = await site.client.read('admin', path, call);
  return parseAnswer(ItemAnswer, json, { site: site.name, to: call.to, kind: 'read' });
}

/** @see Esri, "Find Data Items" */
export async function findWholeItems(
  site: Site,
  query: { parentPath: string } | { types: readonly string[] },
  { signal }: CallOptions = {},
): Promise<WholeDataStoreItem[]> {
  const to = 'list its registered data stores';
  const asked =
    'types' in query ? { types: query.types.join(',') } : { parentPath: query.parentPath };
  const json = await decryptedIfAllowed(site, (params) =>
    site.client.read('admin', ['data', 'findItems'], {
      to,
      params: { ...asked, ...params },
      signal,
    }),
  );
  return parseAnswer(ItemList, json, { site: site.name, to, kind: 'read' }).items.filter(
    ({ type }) => type !== 'datadir',
  );
}

async function decryptedIfAllowed<T>(
  site: Site,
  read: (params: Record<string, string>) => Promise<T>,
): Promise<T> {
  const { url, adminUrl = url } = site.config;
  if (!adminUrl.startsWith('https:')) return read({});
  try {
    return await read({ decrypt: 'true' });
  } catch (error) {
    if (!isRefusal(error) || isNotFound(error)) throw error;
    return read({}); // only an administrator may
  }
}

const CountAnswer = z.looseObject({ totalRefCount: NumberLike });

/** How many services use the item; undefined where the site does not tell. @see Esri, "Compute Total Reference Count" */
export async function countReferences(
  site: Site,
  path: string,
  { signal }: CallOptions = {},
): Promise<number | undefined> {
  const to = `count what uses ${path}`;
  try {
    const params = { itemPath: path, path };
    const json = await site.client.read('admin', ['data', 'computeTotalRefCount'], {
      to,
      params,
      signal,
    });
    const { data } = CountAnswer.safeParse(json);
    return data?.totalRefCount;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

export function isSamePath(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** Segments of an item's path, for the address of its resource. */
export function toSegments(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** True for what ArcGIS Data Store made by itself: it is not registered by hand. */
export function isManagedStore({ provider, type }: WholeDataStoreItem): boolean {
  return provider === 'ArcGIS Data Store' || type === 'nosql';
}
