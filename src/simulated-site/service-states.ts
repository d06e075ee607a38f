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
  // That the wanted state changes even if the start fails is not verified.
  service.json.configuredState = 'STARTED';
  if (service.realTimeState !== 'STARTED') await beginStart(site, service);
  return answer(site, 'start');
}

/** Blocks until done. Esri, "Stop Service". */
export async function stopService(site: SiteState, service: Service): Promise<object> {
  refuseWhileReplaced(site, service, 'stop');
  await site.pause(site.settings.startMs / 5);
  service.json.configuredState = 'STOPPED';
  service.realTimeState = 'STOPPED';
  return answer(site, 'stop');
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
  await site.pause(site.settings.startMs / 5);
  site.services.remove(service);
  site.portal.removeItemsOf(service);
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
