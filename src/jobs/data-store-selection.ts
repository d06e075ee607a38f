import { z } from 'zod';
import { matchesPattern } from '../lib/text-pattern.ts';
import {
  findWholeItem,
  findWholeItems,
  isManagedStore,
  isSamePath,
  type WholeDataStoreItem,
} from '../sites/data-store-reader.ts';
import type { Site } from '../sites/sites.ts';
import { DataStorePath } from './data-store-item.ts';

const SiteName = z.string().min(1).max(63);

/** `site` or `sites`: exactly one of them. */
export const siteInputs = {
  site: SiteName.optional().describe('Name of a configured site'),
  sites: z
    .array(SiteName)
    .min(1)
    .max(50)
    .optional()
    .describe('Names of several sites in place of `site`; one job speaks to each in turn'),
};

export const ItemMatch = z
  .strictObject({
    types: z.array(z.string().min(1).max(60)).min(1).max(20).optional(),
    name: z
      .string()
      .min(1)
      .max(120)
      .optional()
      .describe("Last part of an item's path; `*` stands for any text"),
  })
  .meta({ id: 'DataStoreMatch' });

/** `items` or `match`. */
export const selectionInputs = {
  items: z
    .array(DataStorePath)
    .min(1)
    .max(500)
    .optional()
    .describe('Paths of items, such as `/fileShares/roads`'),
  match: ItemMatch.optional().describe('Items by type and name in place of `items`'),
};

type Sites = { site?: string | undefined; sites?: string[] | undefined };
export type Selection = {
  items?: string[] | undefined;
  match?: z.output<typeof ItemMatch> | undefined;
};

export function refuseBothSites(params: Sites, check: z.core.$RefinementCtx): void {
  if ((params.site === undefined) !== (params.sites === undefined)) return;
  const path = params.site === undefined ? 'site' : 'sites';
  check.addIssue({
    code: 'custom',
    path: [path],
    message: 'send exactly one of site and sites',
    input: params,
  });
}

export function refuseBothSelections(params: Selection, check: z.core.$RefinementCtx): void {
  if (params.items === undefined || params.match === undefined) return;
  check.addIssue({
    code: 'custom',
    path: ['match'],
    message: 'not beside items',
    input: params,
  });
}

export function siteNamesOf({ site, sites }: Sites): string[] {
  return [...new Set(sites ?? (site === undefined ? [] : [site]))];
}

/** Those that people register. */
const registeredTypes = [
  'folder',
  'egdb',
  'bigDataFileShare',
  'cloudStore',
  'rasterStore',
  'objectStore',
];

/** @returns the items, and the paths that were named and are not there */
export async function findSelected(
  site: Site,
  { items, match }: Selection,
  { signal }: { signal: AbortSignal },
): Promise<{ found: WholeDataStoreItem[]; missing: string[] }> {
  if (!items) {
    const types = match?.types ?? registeredTypes;
    const all = await findWholeItems(site, { types }, { signal });
    return { found: all.filter((item) => fits(item, match?.name, types)), missing: [] };
  }
  const found: WholeDataStoreItem[] = [];
  const missing: string[] = [];
  for (const path of items.filter(
    (each, at) => items.findIndex((one) => isSamePath(one, each)) === at,
  )) {
    const item = await findWholeItem(site, path, { signal });
    if (item) found.push(item);
    else missing.push(path);
  }
  return { found, missing };
}

/** What ArcGIS Data Store manages for itself is taken only by its path. */
function fits(
  item: WholeDataStoreItem,
  name: string | undefined,
  types: readonly string[],
): boolean {
  if (!types.includes(item.type) || isManagedStore(item)) return false;
  return name === undefined || matchesPattern(name, item.path.split('/').at(-1) ?? '');
}
