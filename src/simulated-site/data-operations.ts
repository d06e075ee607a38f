import { type DataItem, normalPath } from './data-items.ts';
import type { Call, Operation } from './operation.ts';
import { covers } from './registered-data.ts';
import { readJsonObject } from './site-operations.ts';
import { SiteRefusal } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';

/** @see Esri, "Data", "Data Items", "Register Data Item", "Validate Data Item" */
export function dataOperations(site: SiteState): Operation[] {
  const operation = (
    name: string,
    paths: string[],
    handle: (call: Call) => unknown,
    more: Partial<Operation> = {},
  ): Operation => ({ name, paths, face: 'admin', access: 'PUBLISH', handle, ...more });
  const posted = { methods: 'POST' } as const;
  const change = { ...posted, changes: true } as const;
  return [
    operation('data-config', ['/admin/data/config'], () => ({
      blockDataCopy: site.blocksDataCopy,
    })),
    operation('update-data-config', ['/admin/data/config/update'], (call) => block(site, call), {
      ...change,
      access: 'ADMINISTER',
    }),
    operation('data-items', ['/admin/data/items'], () => ({ rootItems: site.dataItems.rootItems })),
    operation('data-item', ['/admin/data/items/*'], (call) => dataItem(site, call)),
    operation(
      'edit-data-item',
      ['/admin/data/items/:parent/:name/edit'],
      (call) => edit(site, call),
      change,
    ),
    operation('find-items', ['/admin/data/findItems'], (call) => findItems(site, call)),
    operation(
      'register-item',
      ['/admin/data/registerItem'],
      (call) => register(site, call),
      change,
    ),
    operation(
      'unregister-item',
      ['/admin/data/unregisterItem'],
      (call) => unregister(site, call),
      change,
    ),
    operation(
      'validate-item',
      ['/admin/data/validateDataItem'],
      ({ params }) => {
        site.dataItems.validate(readItem(params.item));
        return { status: 'success' };
      },
      posted,
    ),
    operation(
      'validate-all-items',
      ['/admin/data/validateAllDataItems'],
      () => {
        for (const item of site.dataItems.list()) site.dataItems.validate(item);
        return { status: 'success' };
      },
      posted,
    ),
    operation(
      'count-references',
      ['/admin/data/computeTotalRefCount'],
      ({ params }) => {
        const item = site.dataItems.get(params.itemPath ?? params.path ?? '');
        return { totalRefCount: references(site, item) };
      },
      posted,
    ),
  ];
}

function block(site: SiteState, { params }: Call): object {
  const config = readJsonObject(params.datastoreConfig, 'datastoreConfig');
  site.isDataCopyBlocked = String(config.blockDataCopy) === 'true';
  return { status: 'success' };
}

function dataItem(site: SiteState, call: Call): unknown {
  const path = call.names['*'] ?? '';
  const root = site.dataItems.rootItems.find((one) => one === normalPath(path));
  if (root) return { path: root, type: 'datadir', id: `root${root.replaceAll('/', '-')}` };
  return shown(site, site.dataItems.get(path), call);
}

/** `decrypt` is for administrators, over https. */
function shown(site: SiteState, item: DataItem, { params, token }: Call): DataItem {
  const isPlain =
    params.decrypt === 'true' &&
    token?.privilege === 'ADMINISTER' &&
    site.settings.tls !== undefined;
  return site.dataItems.shown(item, isPlain ? 'decrypted' : 'encrypted');
}

/**
 * That an encrypted value may be sent back is not verified: it is stored as it came and fails validation.
 *
 * @see Esri, "Edit Data Item"
 */
function edit(site: SiteState, { names, params }: Call): object {
  const existing = site.dataItems.get(`/${names.parent}/${names.name}`);
  site.dataItems.replace(existing, readItem(params.item));
  return { status: 'success' };
}

function findItems(site: SiteState, call: Call): object {
  const { parentPath, ancestorPath, types, id, managed } = call.params;
  if (!parentPath && !ancestorPath && !types && !id && !managed) {
    throw new SiteRefusal(400, 'At least one parameter is needed.'); // text not verified
  }
  const wanted = (types || undefined)?.split(',').map((type) => type.trim());
  const items = site.dataItems
    .list()
    .filter((item) => !wanted || wanted.includes(item.type))
    .filter((item) => !id || item.id === id)
    .filter((item) => managed !== 'true' || item.info.isManaged === true)
    .filter((item) => !parentPath || parentOf(item.path) === normalPath(parentPath))
    .filter((item) => !ancestorPath || isUnder(item.path, normalPath(ancestorPath)))
    .map((item) => ({ ...shown(site, item, call), totalRefCount: references(site, item) }));
  return { items };
}

const isUnder = (path: string, folder: string) =>
  path.startsWith(folder === '/' ? folder : `${folder}/`);
const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/'));

/** Registering does not validate, and a taken path is no error: the stored item stays as it is. */
function register(site: SiteState, { params }: Call): object {
  const item = readItem(params.item);
  if (site.dataItems.find(item.path)) return { status: 'exists' };
  const parent = parentOf(normalPath(item.path));
  if (!site.dataItems.rootItems.includes(parent)) {
    throw new SiteRefusal(500, `The path '${item.path}' is not valid.`); // text not verified
  }
  site.dataItems.add(item);
  return done(site);
}

/** Documents and clients spell the parameter in different ways. `force` is needed since 10.4. */
function unregister(site: SiteState, { params }: Call): object {
  const path = params.itempath ?? params.itemPath ?? params.path;
  if (!path) throw new SiteRefusal(400, "The parameter 'itempath' is missing.");
  const item = site.dataItems.get(path);
  if (!/^true$/i.test(params.force ?? '')) {
    throw new SiteRefusal(500, `The item ${item.path} can only be unregistered with force.`); // text not verified
  }
  site.dataItems.remove(item);
  return done(site);
}

/** Releases differ in the keys of these two answers. */
function done({ settings }: SiteState): object {
  const { dataItemAnswers } = settings;
  return {
    ...(dataItemAnswers !== 'status' && { success: true }),
    ...(dataItemAnswers !== 'success' && { status: 'success' }),
  };
}

function references(site: SiteState, item: DataItem): number {
  return site.services
    .all()
    .filter(({ content }) => content.databases.some((database) => covers(item, database))).length;
}

function readItem(text: string | undefined): DataItem {
  const item = readJsonObject(text, 'item') as DataItem;
  if (typeof item.path === 'string' && typeof item.type === 'string' && item.info) return item;
  throw new SiteRefusal(400, 'The item needs path, type and info.'); // text not verified
}
