import { type Fault, faultNumber } from './faults.ts';
import { failureOf, PublishFailure, toFailedOutcome } from './publish-failure.ts';
import { canStart, checkPlan, type PublishPlan, planPublish } from './publish-target.ts';
import { toLiveService } from './service-json.ts';
import { beginStart } from './service-states.ts';
import { restLabel, type Service, type ServiceContent, serviceLabel } from './services.ts';
import { informative, type JobOutcome, type SiteJob, succeeded } from './site-jobs.ts';
import type { SiteState } from './site-state.ts';
import { busyText } from './store-busy.ts';

/**
 * The task Publish Service Definition. After success the site deletes the uploaded definition itself;
 * after a failure the item stays.
 *
 * @see Esri, "Publish Service Definition" of System/PublishingTools
 */
export async function publishDefinition(site: SiteState, job: SiteJob): Promise<JobOutcome> {
  let plan: PublishPlan | undefined;
  try {
    const upload = site.uploads.find(job.inputs.in_sdp_id ?? '');
    // An unknown item is accepted at submit and fails in the job: not verified, nor is the text.
    if (!upload?.item.committed) {
      throw new PublishFailure([`There is no upload item '${job.inputs.in_sdp_id}'.`]);
    }
    plan = await planPublish(site, job, upload);
    await hangIfTold(site, job, plan);
    checkPlan(site, job, plan);
    await site.pause(site.settings.publishMs * 0.4, job.cancel.signal);
    const ended = dictatedEnd(site, plan);
    if (ended && ended.work !== 'done') return dictatedOutcome(ended);
    await carryOut(site, job, plan);
    await site.uploads.remove(upload.item.itemID);
    return ended ? dictatedOutcome(ended) : successOf(site, job, plan);
  } catch (error) {
    if (error instanceof PublishFailure) return toFailedOutcome(site, job, error, plan?.target);
    throw error;
  }
}

/** A fault may name the `service` that it is meant for. */
function meant({ target }: PublishPlan): (fault: Fault) => boolean {
  return ({ service }) =>
    service === undefined || String(service).toLowerCase() === target.name.toLowerCase();
}

async function hangIfTold(site: SiteState, job: SiteJob, plan: PublishPlan): Promise<void> {
  const fault = site.faults.take('hang-job', undefined, meant(plan));
  if (fault) await site.pause(faultNumber(fault, 'ms', 2 ** 31 - 1), job.cancel.signal);
}

function dictatedEnd(site: SiteState, plan: PublishPlan): Fault | undefined {
  return site.faults.take('job-status', undefined, meant(plan));
}

function dictatedOutcome(fault: Fault): JobOutcome {
  const status = String(fault.status ?? 'esriJobTimedOut');
  return { status, messages: [informative(status.replace('esriJob', ''))] };
}

/** From here on a cancel comes too late: the work ends as it would have. */
async function carryOut(site: SiteState, job: SiteJob, plan: PublishPlan): Promise<void> {
  const busy = site.faults.take('busy-store', undefined, ({ where }) => where === 'job');
  if (busy) throw new PublishFailure([busyText(busy), '001369']);
  const existing = site.services.taken(plan.target);
  const fails = site.faults.take('fail-publish', undefined, meant(plan));
  if (fails) {
    if (fails.leaves === 'half-made') await leaveHalfMade(site, job, plan, existing);
    throw failureOf(fails);
  }
  const lies = existing
    ? site.faults.take('lying-replace', undefined, meant(plan))
    : site.faults.take('lying-success', undefined, meant(plan));
  if (lies) {
    await finishWork(site, job);
    return;
  }
  if (!canStart(site, plan)) {
    await leaveHalfMade(site, job, plan, existing);
    throw new PublishFailure(
      ['001369'],
      [{ message: 'The provider ArcObjects is not available: {service} did not start.' }],
    );
  }
  const service = existing ? await replace(site, job, plan, existing) : await make(site, job, plan);
  site.portal.keepItems(service, job.user);
  misbehave(site, plan, service);
}

/** The rest of the site's time. A job of before a reset changes nothing any more. */
async function finishWork(site: SiteState, job: SiteJob): Promise<void> {
  await site.pause(site.settings.publishMs * 0.6);
  if (!site.siteJobs.list().includes(job)) throw new Error('The site was reset');
}

async function make(site: SiteState, job: SiteJob, plan: PublishPlan): Promise<Service> {
  await finishWork(site, job);
  // Somebody else may have been quicker.
  if (site.services.taken(plan.target)) {
    throw new PublishFailure([`Service ${restLabel(plan.target)} already exists.`, '001369']);
  }
  const service = site.newService({
    ...liveParts(site, plan),
    realTimeState: 'STOPPED',
    publishedBy: job.user,
  });
  hideIfTold(site, plan, service);
  await beginStart(site, service, meant(plan));
  return service;
}

/** The service is away for as long as the site needs to put the new one in its place. */
async function replace(
  site: SiteState,
  job: SiteJob,
  plan: PublishPlan,
  existing: Service,
): Promise<Service> {
  existing.isBeingReplaced = true;
  existing.realTimeState = 'STOPPED';
  try {
    await finishWork(site, job);
    const { json, ...parts } = liveParts(site, plan);
    // The service keeps its portal items; settings come from the new definition (not verified).
    const portalProperties = existing.json.portalProperties ?? json.portalProperties;
    Object.assign(existing, parts, {
      folder: existing.folder,
      json: {
        ...json,
        serviceName: existing.json.serviceName,
        ...(portalProperties && { portalProperties }),
      },
      generation: existing.generation + 1,
      publishedBy: job.user,
    });
    site.services.touch(existing, site.now());
    hideIfTold(site, plan, existing);
    await beginStart(site, existing, meant(plan));
    return existing;
  } finally {
    existing.isBeingReplaced = false;
  }
}

async function leaveHalfMade(
  site: SiteState,
  job: SiteJob,
  plan: PublishPlan,
  existing: Service | undefined,
): Promise<void> {
  await finishWork(site, job);
  const parts = { ...liveParts(site, plan), realTimeState: 'STOPPED', publishedBy: job.user };
  if (!existing) {
    site.newService(parts);
    return;
  }
  Object.assign(existing, parts);
  site.services.touch(existing, site.now());
}

/** What the definition makes of a service, with the layers that faults leave of it. */
function liveParts(site: SiteState, { definition, configuration, target }: PublishPlan) {
  const provider = definition.runtime === 'ArcMap' ? 'ArcObjects' : 'ArcObjects11';
  const json = toLiveService(configuration.service, {
    folder: target.folder,
    provider: definition.isHosted ? 'SDS' : provider,
  });
  json.portalProperties = { isHosted: definition.isHosted, portalItems: [] };
  const known = target.folder ? site.services.findFolder(target.folder) : undefined;
  return {
    folder: known?.folderName ?? target.folder,
    json,
    content: shownContent(site, definition),
    isFromDefinition: true,
    itemInfo: {
      name: target.name,
      guid: '',
      title: definition.title ?? target.name,
      summary: definition.summary ?? '',
      description: json.description ?? '',
      tags: definition.tags,
      culture: 'en-US',
      accessInformation: '',
      licenseInfo: '',
    },
  };
}

function shownContent(site: SiteState, definition: PublishPlan['definition']): ServiceContent {
  const fewer = site.faults.take('fewer-layers');
  const renamed = site.faults.take('renamed-layers');
  const kept = definition.layers.slice(
    0,
    fewer ? -faultNumber(fewer, 'by', 1) : definition.layers.length,
  );
  return {
    layers: renamed ? kept.map((layer) => ({ ...layer, name: `${layer.name}_1` })) : kept,
    tables: definition.tables,
    databases: definition.databases,
    tasks: definition.tasks ?? standInTasks(definition),
  };
}

/** Most tools come in a .tbx, which nobody but ArcGIS can read: one task stands for those in it. */
function standInTasks({ type, serviceName }: PublishPlan['definition']): string[] {
  return type === 'GPServer' ? [serviceName] : [];
}

function hideIfTold(site: SiteState, plan: PublishPlan, service: Service): void {
  const fault = site.faults.take('not-listed-yet', undefined, meant(plan));
  if (!fault) return;
  service.hiddenUntil = Date.now() + faultNumber(fault, 'ms', 1000);
  service.hiddenFromAdmin = fault.where !== 'rest';
}

function misbehave(site: SiteState, plan: PublishPlan, service: Service): void {
  const fault = site.faults.take('fails-later', undefined, meant(plan));
  if (!fault) return;
  site.after(faultNumber(fault, 'ms', 500), () => {
    service.realTimeState = 'STOPPED';
    site.logs.write({
      type: 'SEVERE',
      source: serviceLabel(service),
      message: 'The instance ended unexpectedly.',
    });
  });
}

function successOf(site: SiteState, job: SiteJob, { target }: PublishPlan): JobOutcome {
  return {
    status: 'esriJobSucceeded',
    messages: [succeeded(job, site.now())],
    // What these three hold for a publish is not verified; nobody should read them.
    results: {
      out_soap_svc_url: `services/${restLabel(target)}`,
      out_rest_svc_url: `rest/services/${restLabel(target)}`,
      out_results: '',
    },
  };
}
