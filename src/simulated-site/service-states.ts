import { type Fault, faultNumber } from './faults.ts';
import { type Service, serviceLabel } from './services.ts';
import { SiteRefusal } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';
import { storeBusy } from './store-busy.ts';

/** Brings a service to its configured state, as after a publish or an edit. */
export async function beginStart(
  site: SiteState,
  service: Service,
  meant: (fault: Fault) => boolean = () => true,
): Promise<void> {
  if (service.json.configuredState !== 'STARTED') {
    service.realTimeState = 'STOPPED';
    return;
  }
  if (site.faults.take('never-starts', undefined, meant)) {
    service.realTimeState = 'STOPPED';
    site.logs.write({
      type: 'SEVERE',
      source: serviceLabel(service),
      message: 'The service did not start.',
    });
    return;
  }
  const slow = site.faults.take('slow-start', undefined, meant);
  if (slow) {
    // Names of states in between are not verified; STOPPED is what documentation knows.
    service.realTimeState = String(slow.transitional ?? 'STOPPED');
    site.after(faultNumber(slow, 'ms', 1000), () => {
      service.realTimeState = 'STARTED';
    });
    return;
  }
  await site.pause(site.settings.startMs);
  service.realTimeState = 'STARTED';
}

/** Blocks until done. Esri, "Start Service". */
export async function startService(site: SiteState, service: Service): Promise<object> {
  refuseWhileReplaced(site, service, 'start');
  await alone(site, service, 'start', async () => {
    if (isAsWanted(service, 'STARTED')) return;
    // That the wanted state changes even if the start fails is not verified.
    service.json.configuredState = 'STARTED';
    if (service.realTimeState !== 'STARTED') {
      service.realTimeState = site.settings.startingState;
      await beginStart(site, service);
    }
    site.services.touch(service, site.now());
  });
  return answer(site, 'start');
}

/** Blocks until done. Esri, "Stop Service". */
export async function stopService(site: SiteState, service: Service): Promise<object> {
  refuseWhileReplaced(site, service, 'stop');
  await alone(site, service, 'stop', async () => {
    const isStuck = site.faults.take('stays-started', 'stop', (fault) => concerns(fault, service));
    if (isStuck || isAsWanted(service, 'STOPPED')) return;
    if (service.realTimeState !== 'STOPPED') service.realTimeState = site.settings.stoppingState;
    await site.pause(site.settings.startMs / 5);
    service.json.configuredState = 'STOPPED';
    service.realTimeState = 'STOPPED';
    site.services.touch(service, site.now());
  });
  return answer(site, 'stop');
}

function isAsWanted({ json, realTimeState }: Service, wanted: string): boolean {
  return json.configuredState === wanted && realTimeState === wanted;
}

/** What the operators of the site asked it to refuse. */
export function refuseAsAsked(site: SiteState, service: Service, operation: string): void {
  const refused = site.faults.take('change-refused', operation, (fault) =>
    concerns(fault, service),
  );
  if (!refused) return;
  const text = refused.text ?? `Failed to ${operation} the service '${serviceLabel(service)}'.`;
  throw new SiteRefusal(500, String(text)); // text not verified
}

/** Whether a service takes two changes at a time is not verified: the second one is told that the store is busy. */
export async function alone(
  site: SiteState,
  service: Service,
  operation: string,
  work: () => Promise<void>,
): Promise<void> {
  refuseAsAsked(site, service, operation);
  if (service.isChanging) throw storeBusy();
  service.isChanging = true;
  try {
    await work();
  } finally {
    service.isChanging = false;
  }
}

function concerns(fault: Fault, service: Service): boolean {
  return fault.service === undefined || fault.service === service.json.serviceName;
}

export async function deleteService(site: SiteState, service: Service): Promise<object> {
  refuseWhileReplaced(site, service, 'delete-service');
  // Texts of these two refusals are not verified.
  if (service.json.isDefault) {
    throw new SiteRefusal(500, `The default service '${serviceLabel(service)}' cannot be deleted.`);
  }
  if (site.faults.take('delete-refused', 'delete-service')) {
    throw new SiteRefusal(500, `The service '${serviceLabel(service)}' could not be deleted.`);
  }
  await alone(site, service, 'delete-service', async () => {
    await site.pause(site.settings.startMs / 5);
    site.services.remove(service);
    site.portal.removeItemsOf(service);
  });
  return { status: 'success' };
}

/** What a real site does here is not verified; a client that gets here was wrong to try. */
function refuseWhileReplaced(site: SiteState, service: Service, operation: string): void {
  if (!service.isBeingReplaced) return;
  site.violations.record(
    'touched-while-replaced',
    `${operation} of ${serviceLabel(service)} while a publish replaces it`,
  );
  throw storeBusy();
}

/** A client of long standing takes a warning for success; what it means is not verified. */
function answer(site: SiteState, operation: string): object {
  return site.faults.take('warning', operation)
    ? { status: 'warning', messages: ['The operation ended with a warning.'] }
    : { status: 'success' };
}
