import { z } from 'zod';
import { BooleanLike, JsonObject, lenient, parseAnswer, TextLike } from './answer-shapes.ts';
import { type ServiceTarget, toAdminPath, toFolderPath, toText } from './service-target.ts';
import type { CallOptions } from './site-client.ts';
import type { Site } from './sites.ts';

/** A role, or `esriEveryone`, and whether it may use the service. */
export type ServicePermission = { principal: string; isAllowed: boolean };

const PermissionList = z.looseObject({
  permissions: z.array(
    z.looseObject({
      principal: TextLike,
      permission: lenient(z.looseObject({ isAllowed: lenient(BooleanLike) })),
    }),
  ),
});

/** @see Esri, "Permissions"; on a federated site the sharing of the portal item counts instead */
export async function readPermissions(
  site: Site,
  target: ServiceTarget,
  options: CallOptions = {},
): Promise<ServicePermission[]> {
  return readPermissionsAt(site, toAdminPath(target), toText(target), options);
}

/** What services inherit that have no entry of their own: their folder's entries, then those of the root. */
export async function readInherited(
  site: Site,
  { folder }: Pick<ServiceTarget, 'folder'>,
  options: CallOptions = {},
): Promise<ServicePermission[]> {
  const root = await readPermissionsAt(site, toFolderPath(''), 'the root folder', options);
  if (folder === '') return root;
  const own = await readPermissionsAt(site, toFolderPath(folder), `the folder ${folder}`, options);
  return [
    ...own,
    ...root.filter(({ principal }) => !own.some((each) => each.principal === principal)),
  ];
}

async function readPermissionsAt(
  site: Site,
  path: readonly string[],
  name: string,
  { signal }: CallOptions,
): Promise<ServicePermission[]> {
  const to = `show the permissions of ${name}`;
  const json = await site.client.read('admin', [...path, 'permissions'], { to, signal });
  const { permissions } = parseAnswer(PermissionList, json, { site: site.name, to, kind: 'read' });
  return permissions.flatMap(({ principal, permission }) =>
    principal === undefined ? [] : [{ principal, isAllowed: permission?.isAllowed ?? false }],
  );
}

/** Also changes an entry that is there. To remove one from a single service no operation is documented. */
export async function addPermission(
  site: Site,
  target: ServiceTarget,
  { principal, isAllowed }: ServicePermission,
  { signal }: CallOptions = {},
): Promise<void> {
  const to = `change the permissions of ${toText(target)}`;
  const params = { principal, isAllowed };
  await site.client.change('admin', [...toAdminPath(target), 'permissions', 'add'], {
    to,
    params,
    signal,
  });
}

/** Title, summary, tags and the rest of the item information, whole. */
export async function readItemInfo(
  site: Site,
  target: ServiceTarget,
  { signal }: CallOptions = {},
): Promise<JsonObject> {
  const to = `show the item information of ${toText(target)}`;
  const path = [...toAdminPath(target), 'iteminfo'];
  const json = await site.client.read('admin', path, { to, signal });
  return parseAnswer(JsonObject, json, { site: site.name, to, kind: 'read' });
}

/** Replaces all of it (Esri, "Edit Item Information"). The thumbnail stays as it is. */
export async function editItemInfo(
  site: Site,
  target: ServiceTarget,
  itemInfo: JsonObject,
  { signal }: CallOptions = {},
): Promise<void> {
  const to = `edit the item information of ${toText(target)}`;
  const params = { serviceItemInfo: JSON.stringify(itemInfo) };
  await site.client.change('admin', [...toAdminPath(target), 'iteminfo', 'edit'], {
    to,
    params,
    signal,
  });
}
