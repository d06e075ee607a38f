import type { ServiceState } from '../../sites/service-states.ts';
import { parseTarget, type ServiceTarget, sameName, toText } from '../../sites/service-target.ts';
import { readService } from '../../sites/services.ts';
import type { Site } from '../../sites/sites.ts';
import type { JobContext } from '../job-type.ts';
import {
  changeEach,
  countOutcomes,
  isWhatWasDoneKept,
  selectServices,
  toPlanned,
  warnOfSystem,
} from '../service-batch.ts';
import { isStarted } from '../service-selection.ts';
import type { WantedSetting } from '../service-setting.ts';
import { toWanted } from '../service-settings-change.ts';
import { editOne, planEdit, refuseEdit } from './edit-one.ts';
import { planPutBack } from './plan-put-back.ts';
import type {
  EditedService,
  EditServicesParams,
  EditServicesResult,
  ServiceSettingChange,
} from './schema.ts';

export async function editServices(
  params: EditServicesParams,
  context: JobContext,
): Promise<EditServicesResult> {
  const site = context.sites.get(params.site);
  const services = await whatToEdit(params, site, context);
  await warnOfSystem(site, services, context);
  const wantedOf = (target: ServiceTarget) => wantedFor(params, target);
  if (params.dryRun) {
    const planned: EditedService[] = [];
    for (const service of services)
      planned.push(await plan(site, service, wantedOf(service), context));
    return toResult(planned, null, context);
  }
  let putBackJob: string | null = null;
  const outcomes = await changeEach(
    {
      site,
      services,
      continues: params.onFailure === 'continue',
      carryOut: (one, place) =>
        context.step(editOne(place), { ...one, wanted: wantedOf(one.target) }),
      conclude: async (edited) => {
        putBackJob = await planFor(params, listChanges(edited), context);
      },
    },
    context,
  );
  return toResult(outcomes, putBackJob, context);
}

async function planFor(
  { until, site }: EditServicesParams,
  changes: ServiceSettingChange[],
  context: JobContext,
): Promise<string | null> {
  if (until === undefined || changes.length === 0) return null;
  const { followUp } = context;
  const isKept = () => isWhatWasDoneKept(context);
  const planned = { site, changes, untilMs: Date.parse(until), followUp, isKept };
  return (await context.step(planPutBack, planned)).jobId;
}

async function whatToEdit(
  { services, putBack = [], site: siteName, ifNoneMatch }: EditServicesParams,
  site: Site,
  context: JobContext,
): Promise<ServiceState[]> {
  if (services) return (await selectServices(site, services, context, { ifNoneMatch })).services;
  const names = [...new Set(putBack.map(({ service }) => service))];
  const found = await selectServices(site, { names }, context, { mayBeMissing: true });
  for (const name of found.missing)
    await context.warn(`${name} is not on ${siteName} any more: nothing is put back there.`);
  return found.services;
}

function wantedFor(
  { set, putBack = [] }: EditServicesParams,
  target: ServiceTarget,
): WantedSetting[] {
  if (set) return toWanted(set);
  return putBack
    .filter(({ service }) => isNamed(target, service))
    .map(({ key, from, to }) => ({ key, to: from, onlyIf: to }));
}

function isNamed(target: ServiceTarget, name: string): boolean {
  const named = parseTarget(name);
  return named !== undefined && sameName(toText(named), toText(target));
}

async function plan(
  site: Site,
  service: ServiceState,
  wanted: WantedSetting[],
  { signal }: JobContext,
): Promise<EditedService> {
  const json = await readService(site, service, { signal });
  const { changes, messages } = planEdit(json, wanted);
  const isKept = () => false;
  refuseEdit({ site, target: service, continues: false, isKept }, json, changes);
  const isDue = changes.length > 0;
  return {
    ...toPlanned(service, { isDue }),
    messages,
    changes,
    restarts: isDue && isStarted(service.realTimeState),
  };
}

function listChanges(services: EditedService[]): ServiceSettingChange[] {
  const edited = services.filter(({ outcome }) => outcome !== 'failed');
  return edited.flatMap(({ service, changes }) =>
    changes.map((change) => ({ service, ...change })),
  );
}

function toResult(
  services: EditedService[],
  putBackJob: string | null,
  context: JobContext,
): EditServicesResult {
  return { ...countOutcomes(services, context), changes: listChanges(services), putBackJob };
}
