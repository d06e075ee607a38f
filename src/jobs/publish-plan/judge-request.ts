import {
  findService,
  readLifecycle,
  readService,
  readServiceStatus,
} from '../../sites/services.ts';
import { readAdminInfo, readRestInfo } from '../../sites/site-reader.ts';
import { checkData } from '../publish-service-definition/check-data.ts';
import { type Decided, decideAction } from '../publish-service-definition/decide-action.ts';
import { lookForUnchanged } from '../publish-service-definition/find-unchanged.ts';
import type { LivePicture } from '../publish-service-definition/planned-state.ts';
import type { Publishing } from '../publish-service-definition/publishing-context.ts';
import {
  NotPublishableError,
  NotYetError,
} from '../publish-service-definition/publishing-errors.ts';
import type { ReferencedData } from '../publish-service-definition/registered-data.ts';
import {
  getStartedTools,
  refuseByPrivilege,
  refuseByRuntime,
  refusePermissions,
  refuseReadOnly,
} from '../publish-service-definition/site-judgements.ts';
import type { ServicePlan } from './schema.ts';

export type Judgement = {
  action: ServicePlan['action'];
  target: Publishing['wanted'];
  /** What replacing or making it would be like; not there when it is refused or unchanged. */
  decided?: Decided;
  picture?: LivePicture;
  refusals: ServicePlan['refusals'];
  waits: ServicePlan['waits'];
  referencedData?: ReferencedData[];
};

/** The very checks of publishing; but none of them ends the look, so that all that stands against it is told. */
export async function judgeRequest(
  publishing: Publishing,
  signal: AbortSignal,
): Promise<Judgement> {
  const { site, wanted } = publishing;
  const unchanged = await lookForUnchanged(publishing, signal);
  if (unchanged.service) {
    const { target } = unchanged.service;
    const { picture } = unchanged;
    const nothing = { refusals: [], waits: [] };
    return { action: 'unchanged', target, ...(picture && { picture }), ...nothing };
  }
  const rest = await readRestInfo(site, { signal });
  const admin = await readAdminInfo(site, { signal });
  const refusals: Judgement['refusals'] = [];
  const waits: Judgement['waits'] = [];
  const noted = async <T>(judge: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await judge();
    } catch (error) {
      if (!(error instanceof NotPublishableError) && !(error instanceof NotYetError)) throw error;
      const list = error instanceof NotYetError ? waits : refusals;
      list.push({ ...error.facts, code: error.code, detail: error.message });
      return undefined;
    }
  };
  await noted(() => refusePermissions(publishing, rest, signal));
  await noted(() => refuseReadOnly(publishing, signal));
  await noted(() => refuseByPrivilege(publishing, admin, signal));
  await noted(() => refuseByRuntime(publishing, rest.version, signal));
  const data = await noted(() => checkData(publishing, signal));
  await noted(() => getStartedTools(publishing, signal));
  const decided = await noted(() => decideAction(publishing, signal));
  const common = {
    target: decided?.target ?? wanted,
    refusals,
    waits,
    ...(data?.referencedData && { referencedData: data.referencedData }),
  };
  if (refusals.length > 0 || !decided) {
    const picture = await findPicture(publishing, signal);
    return { action: 'refuse', ...common, ...(picture && { picture }) };
  }
  const { picture } = decided;
  return { action: decided.action, ...common, decided, ...(picture && { picture }) };
}

/** A refused request may become possible when the live service changes: then it is not as planned. */
async function findPicture(
  { site, wanted }: Publishing,
  signal: AbortSignal,
): Promise<LivePicture | undefined> {
  const target = await findService(site, wanted, { signal });
  if (!target) return undefined;
  return {
    service: await readService(site, target, { signal }),
    status: await readServiceStatus(site, target, { signal }),
    ...(await readLifecycle(site, target, { signal })),
  };
}
