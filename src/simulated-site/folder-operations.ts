import { type Call, inAnyFolder, type Operation } from './operation.ts';
import { type Folder, type Service, serviceLabel } from './services.ts';
import { SiteRefusal } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';

/** @see Esri, "Services", "Folder", "Create Folder", "Exists", "Report" */
export function folderOperations(site: SiteState): Operation[] {
  const operation = (
    name: string,
    paths: string[],
    handle: (call: Call) => unknown,
    more: Partial<Operation> = {},
  ): Operation => ({
    name,
    paths,
    face: 'admin',
    access: 'PUBLISH',
    handle,
    ...more,
  });
  const change = { methods: 'POST', changes: true } as const;
  return [
    operation('list-services', ['/admin/services'], () => listRoot(site)),
    operation('list-folder', ['/admin/services/:folder'], ({ names }) =>
      listFolder(site, site.services.getFolder(names.folder ?? '')),
    ),
    operation('exists', inAnyFolder('exists'), (call) => exists(site, call), { methods: 'POST' }),
    operation(
      'create-folder',
      ['/admin/services/createFolder'],
      (call) => createFolder(site, call),
      { ...change, isPlainText: true },
    ),
    operation(
      'edit-folder',
      ['/admin/services/:folder/editFolder'],
      ({ names, params }) => editFolder(site.services.getFolder(names.folder ?? ''), params),
      change,
    ),
    operation(
      'delete-folder',
      ['/admin/services/:folder/deleteFolder'],
      (call) => deleteFolder(site, call),
      change,
    ),
    operation('report', inAnyFolder('report'), (call) => report(site, call)),
    operation('service-types', ['/admin/services/types'], () => ({
      types: ['MapServer', 'ImageServer', 'GPServer', 'GeocodeServer', 'GeometryServer'].map(
        (Name) => ({ Name }),
      ),
    })),
    operation(
      'clean-permissions',
      ['/admin/services/permissions/clean'],
      ({ params }) => cleanPermissions(site, params.principal),
      change,
    ),
  ];
}

/** At the root, services stand in the folder `/`, and only there folders are listed. */
function listRoot(site: SiteState): object {
  const folders = site.services.folders();
  return {
    folderName: '/',
    description: 'Root folder',
    webEncrypted: false,
    isDefault: true,
    folders: folders.map(({ folderName }) => folderName),
    foldersDetail: folders,
    services: site.services.inFolder('', 'admin').map(listed),
  };
}

function listFolder(site: SiteState, folder: Folder): object {
  return { ...folder, services: site.services.inFolder(folder.folderName, 'admin').map(listed) };
}

function listed({ folder, json }: Service): object {
  return {
    folderName: folder || '/',
    serviceName: json.serviceName,
    type: json.type,
    description: json.description ?? '',
  };
}

/** With a folder only, it is the folder that is asked about. */
function exists(site: SiteState, { names, params }: Call): object {
  const folder = (params.folderName ?? names.folder ?? '').replace(/^\/+/, '');
  const { serviceName, type } = params;
  if (!serviceName) return { exists: !folder || site.services.findFolder(folder) !== undefined };
  return {
    exists: site.services.find({ folder, name: serviceName, type: type ?? '' }) !== undefined,
  };
}

function createFolder(site: SiteState, { params }: Call): object {
  const { folderName = '', description = '', webEncrypted } = params;
  if (!/^[\p{L}\p{N}_]{1,120}$/u.test(folderName)) {
    throw new SiteRefusal(400, `'${folderName}' is not a valid folder name.`); // text not verified
  }
  site.services.addFolder({
    folderName,
    description,
    webEncrypted: webEncrypted === 'true',
    isDefault: false,
  });
  return { status: 'success' };
}

function editFolder(folder: Folder, { description, webEncrypted }: Record<string, string>) {
  if (description !== undefined) folder.description = description;
  if (webEncrypted !== undefined) folder.webEncrypted = webEncrypted === 'true';
  return { status: 'success' };
}

/** Deletes the folder and every service in it. */
function deleteFolder(site: SiteState, { names }: Call): object {
  const folder = site.services.getFolder(names.folder ?? '');
  if (folder.isDefault) {
    throw new SiteRefusal(500, `The default folder '${folder.folderName}' cannot be deleted.`); // text not verified
  }
  for (const service of site.services.inFolder(folder.folderName, 'admin')) {
    if (service.isBeingReplaced) {
      site.violations.record(
        'touched-while-replaced',
        `folder of ${serviceLabel(service)} deleted`,
      );
    }
    site.portal.removeItemsOf(service);
  }
  site.services.removeFolder(folder);
  return { status: 'success' };
}

function report(site: SiteState, { names, params }: Call): object {
  const folder = names.folder ?? '';
  if (folder) site.services.getFolder(folder);
  const wanted = params.parameters ?? '["description","status"]';
  const reports = site.services.inFolder(folder, 'admin').map((service) => ({
    ...listed(service),
    isDefault: service.json.isDefault ?? false,
    isPrivate: service.json.private ?? false,
    hasManifest: service.isFromDefinition,
    ...(wanted.includes('status') && { status: statusOf(service) }),
    ...(wanted.includes('instances') && { instances: instancesOf(site, service) }),
    ...(wanted.includes('iteminfo') && { iteminfo: service.itemInfo }),
    ...(wanted.includes('properties') && { properties: service.json.properties }),
  }));
  return { reports };
}

export function statusOf({ json, realTimeState }: Service): object {
  return { configuredState: json.configuredState ?? 'STARTED', realTimeState };
}

/** Publishing jobs keep instances of their tools busy. Esri, "Statistics". */
export function instancesOf(site: SiteState, { folder, json, realTimeState }: Service): object {
  const isTools = folder === 'System' && json.serviceName.startsWith('PublishingTools');
  const busy = isTools
    ? site.siteJobs
        .unfinished()
        .filter((job) => job.tools === json.serviceName && job.startedAt !== undefined).length
    : 0;
  const max = Number(json.maxInstancesPerNode ?? 1);
  const created =
    realTimeState === 'STARTED' ? Math.max(Number(json.minInstancesPerNode), busy) : 0;
  return {
    folderName: folder || '/',
    serviceName: json.serviceName,
    type: json.type,
    startTime: '',
    max,
    busy,
    free: created - busy,
    initializing: 0,
    notCreated: max - created,
    transactions: 0,
    totalBusyTime: 0,
    isStatisticsAvailable: true,
  };
}

function cleanPermissions(site: SiteState, principal: string | undefined): object {
  for (const service of site.services.all()) {
    service.permissions = service.permissions.filter((one) => one.principal !== principal);
  }
  return { status: 'success' };
}
