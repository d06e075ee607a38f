import { instancesOf, statusOf } from './folder-operations.ts';
import { adminService, type Call, inAnyFolder, type Operation } from './operation.ts';
import { isRegistered } from './registered-data.ts';
import { checkServiceDocument, refuseWrongProperties } from './service-document.ts';
import { type ServiceJson, toLiveService } from './service-json.ts';
import { alone, beginStart, deleteService, startService, stopService } from './service-states.ts';
import { restLabel, type Service, serviceLabel } from './services.ts';
import { readJsonObject } from './site-operations.ts';
import { notFound, SiteRefusal } from './site-refusal.ts';
import { machineName, type SiteState } from './site-state.ts';

/** @see Esri, "Service", "Edit Service", "Start/Stop/Delete Service", "Create Service" */
export function serviceOperations(site: SiteState): Operation[] {
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
  const of = (handle: (service: Service, call: Call) => unknown) => (call: Call) =>
    handle(namedService(site, call), call);
  const change = { methods: 'POST', changes: true } as const;
  return [
    operation(
      'service',
      adminService(),
      of(({ json }) => json),
    ),
    operation('service-status', adminService('/status'), of(statusOf)),
    operation(
      'statistics',
      adminService('/statistics'),
      of((service) => statistics(site, service)),
    ),
    operation('lifecycle', adminService('/lifecycleinfos'), of(lifecycle)),
    operation(
      'start',
      adminService('/start'),
      of((one) => startService(site, one)),
      change,
    ),
    operation(
      'stop',
      adminService('/stop'),
      of((one) => stopService(site, one)),
      change,
    ),
    operation(
      'delete-service',
      adminService('/delete'),
      of((one) => deleteService(site, one)),
      change,
    ),
    operation(
      'edit',
      adminService('/edit'),
      of((one, call) => edit(site, one, call)),
      change,
    ),
    operation(
      'create-service',
      inAnyFolder('createService'),
      (call) => createService(site, call),
      change,
    ),
    // The body of its success is not verified.
    operation(
      'can-create-service',
      inAnyFolder('canCreateService'),
      (call) => {
        if (call.params.service) readNewService(site, call);
        return { status: 'success' };
      },
      { methods: 'POST' },
    ),
    operation('start', ['/admin/services/startServices'], batch(site, startService), change),
    operation('stop', ['/admin/services/stopServices'], batch(site, stopService), change),
    operation(
      'delete-service',
      ['/admin/services/deleteServices'],
      batch(site, deleteService),
      change,
    ),
  ];
}

/** The service that the path names. @throws SiteRefusal 404 in the words of a real site */
export function namedService(site: SiteState, { names }: Call): Service {
  const [, name = '', type = ''] = /^(.+)\.([A-Za-z]+)$/.exec(names.service ?? '') ?? [];
  const service = site.services.find({ folder: names.folder ?? '', name, type });
  if (!service) throw notFound(names.service ?? '');
  return service;
}

function statistics(site: SiteState, service: Service): object {
  const { max, busy, free, isStatisticsAvailable } = instancesOf(site, service) as Record<
    string,
    unknown
  >;
  return {
    summary: instancesOf(site, service),
    perMachine: [{ machineName, max, busy, free, isStatisticsAvailable }],
  };
}

/** Undocumented, but read by a client to see changes cheaply. */
function lifecycle({ lastmodified, realTimeState }: Service): object {
  return { lastmodified, state: realTimeState };
}

/** The complete document; a running service restarts. */
async function edit(site: SiteState, service: Service, { params }: Call): Promise<object> {
  const written = readJsonObject(params.service, 'service') as ServiceJson;
  if (service.isBeingReplaced) {
    site.violations.record('touched-while-replaced', `edit of ${serviceLabel(service)}`);
  }
  checkServiceDocument(site, service, written);
  await alone(site, service, 'edit', async () => {
    const wasRunning = service.realTimeState === 'STARTED';
    service.json = written;
    service.realTimeState = 'STOPPED';
    site.services.touch(service, site.now());
    if (wasRunning || written.configuredState === 'STARTED') await beginStart(site, service);
  });
  return { status: 'success' };
}

async function createService(site: SiteState, call: Call): Promise<object> {
  const { folder, written } = readNewService(site, call);
  const provider = written.provider ?? 'ArcObjects11';
  const isReadable = isDataReadable(site, written);
  const service = site.newService({
    folder,
    json: toLiveService(written, { folder, provider }),
    realTimeState: 'STOPPED',
    publishedBy: call.token?.username ?? '',
  });
  if (isReadable) await beginStart(site, service);
  else {
    site.logs.write({
      type: 'SEVERE',
      source: serviceLabel(service),
      message: `The raster ${written.properties?.path} cannot be opened.`, // text not verified
    });
  }
  site.portal.keepItems(service, call.token?.username ?? '');
  return { status: 'success' };
}

/** A server reads what its account can reach: here that is what is registered. Not verified for a real one. */
function isDataReadable(site: SiteState, { type, properties = {} }: ServiceJson): boolean {
  if (type !== 'ImageServer' || !site.settings.requiresRegisteredData) return true;
  const connection = { kind: 'path' as const, path: properties.path ?? '' };
  const database = { name: '', isCopied: false, workspaceFactory: '', connection, datasets: [] };
  return isRegistered(database, site.dataItems);
}

function readNewService(site: SiteState, { names, params }: Call) {
  const written = readJsonObject(params.service, 'service') as ServiceJson;
  const { serviceName, type } = written;
  if (!serviceName || !type) throw new SiteRefusal(400, 'serviceName and type are needed.');
  if (!/^[\p{L}\p{N}_]{1,120}$/u.test(serviceName))
    throw new SiteRefusal(400, `'${serviceName}' is not a valid service name.`); // text not verified
  if (type === 'ImageServer' && !written.properties?.path)
    throw new SiteRefusal(400, "An image service needs the property 'path'."); // text not verified
  refuseWrongProperties(site, written);
  const folder = names.folder ? site.services.getFolder(names.folder).folderName : '';
  const name = { folder, name: serviceName, type };
  if (site.services.taken(name)) {
    throw new SiteRefusal(500, `Service ${restLabel(name)} already exists.`); // only "already exists" was seen
  }
  return { folder, written };
}

/** A bare array and `{"services": [...]}`: which releases take which is not verified, so both. */
function batch(site: SiteState, act: (site: SiteState, service: Service) => Promise<object>) {
  return async ({ params }: Call): Promise<object> => {
    const written = readJsonObject(params.services, 'services');
    const list = (Array.isArray(written) ? written : written.services) as
      | { folderName?: string; serviceName: string; type: string }[]
      | undefined;
    if (!Array.isArray(list)) throw new SiteRefusal(400, "The parameter 'services' is no list.");
    for (const { folderName = '', serviceName, type } of list) {
      const folder = folderName.replace(/^\/+/, '');
      await act(site, site.services.get({ folder, name: serviceName, type }));
    }
    return { status: 'success' };
  };
}
