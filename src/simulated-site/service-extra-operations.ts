import { adminService, type Call, type Operation } from './operation.ts';
import { placeOnServer, textOf } from './registered-data.ts';
import { namedService } from './service-operations.ts';
import { refuseAsAsked } from './service-states.ts';
import type { Permission, Service, ServiceContent } from './services.ts';
import { readJsonObject } from './site-operations.ts';
import { notFound, SiteRefusal } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';

/** @see Esri, "Item Information", "Service Manifest", "Permissions" */
export function serviceExtraOperations(site: SiteState): Operation[] {
  const rootPermissions: Permission[] = [{ principal: 'esriEveryone', isAllowed: true }];
  const operation = (
    name: string,
    paths: string[],
    handle: (service: Service, call: Call) => unknown,
    more: Partial<Operation> = {},
  ): Operation => ({
    name,
    paths,
    face: 'admin',
    access: 'PUBLISH',
    handle: (call) => handle(namedService(site, call), call),
    ...more,
  });
  const change = { methods: 'POST', changes: true } as const;
  const edit = (name: string, path: string, handle: (one: Service, call: Call) => unknown) =>
    operation(name, adminService(path), handle, change);
  return [
    operation('iteminfo', adminService('/iteminfo'), ({ itemInfo }) => itemInfo),
    edit('edit-iteminfo', '/iteminfo/edit', (service, { params }) => {
      service.itemInfo = readJsonObject(params.serviceItemInfo, 'serviceItemInfo');
      return { status: 'success' };
    }),
    edit('upload-iteminfo', '/iteminfo/upload', (_, { files }) => checkItemInfoFile(files)),
    edit('delete-iteminfo', '/iteminfo/delete', (service) => {
      service.itemInfo = {};
      return { status: 'success' };
    }),
    operation('manifest', adminService('/iteminfo/manifest/manifest.json'), (service) =>
      manifest(site, service),
    ),
    operation('permissions', adminService('/permissions'), ({ permissions }) => ({
      permissions: permissions.map(shownPermission),
    })),
    edit('add-permission', '/permissions/add', (service, { params }) => {
      refuseFederated(site);
      refuseAsAsked(site, service, 'add-permission');
      return addPermission(service.permissions, params);
    }),
    {
      name: 'permissions',
      paths: ['/admin/services/permissions'],
      face: 'admin',
      access: 'PUBLISH',
      handle: () => ({ permissions: rootPermissions.map(shownPermission) }),
    },
    {
      name: 'permissions',
      paths: ['/admin/services/:folder/permissions'],
      face: 'admin',
      access: 'PUBLISH',
      handle: ({ names }) => {
        site.services.getFolder(names.folder ?? '');
        return { permissions: [] };
      },
    },
  ];
}

function shownPermission({ principal, isAllowed }: Permission): object {
  return { principal, permission: { isAllowed, constraint: '' }, childURL: '', operation: '' };
}

/** The sharing of the portal's item decides there; what such a site answers is not verified. */
function refuseFederated(site: SiteState): void {
  if (site.settings.federated) {
    throw new SiteRefusal(500, 'Permissions of a federated server are managed in its portal.');
  }
}

function addPermission(permissions: Permission[], params: Record<string, string>): object {
  const { principal, isAllowed } = params;
  if (!principal) throw new SiteRefusal(400, "The parameter 'principal' is missing.");
  const known = permissions.find((one) => one.principal === principal);
  if (known) known.isAllowed = isAllowed !== 'false';
  else permissions.push({ principal, isAllowed: isAllowed !== 'false' });
  return { status: 'success' };
}

/** The default of `uploadItemInfoFileExtensionAllowedList`. */
function checkItemInfoFile(files: { field: string; fileName: string }[]): object {
  const file = files.find(({ field }) => field === 'file');
  if (!file) throw new SiteRefusal(400, "The parameter 'file' is missing.");
  if (/\.(xml|img|png|gif|jpe?g|bmp|json)$/i.test(file.fileName)) return { status: 'success' };
  throw new SiteRefusal(500, `'${file.fileName}' is not allowed here.`); // text not verified
}

/** Only services that came from a definition have one; how its absence is answered is not verified. */
function manifest(site: SiteState, { content, isFromDefinition }: Service): object {
  if (!isFromDefinition) throw notFound('manifest.json');
  const databases = content.databases.map((database) => toManifestDatabase(site, database));
  return { databases, resources: [] };
}

function toManifestDatabase(
  site: SiteState,
  database: ServiceContent['databases'][number],
): object {
  const { isCopied, name, workspaceFactory, datasets } = database;
  return {
    byReference: !isCopied,
    onServerWorkspaceFactoryProgID: workspaceFactory,
    onServerConnectionString: placeOnServer(database, site.dataItems),
    onPremiseConnectionString: textOf(database),
    onServerName: '',
    onPremisePath: name,
    datasets: datasets.map((dataset) => ({ onServerName: dataset.name })),
  };
}
