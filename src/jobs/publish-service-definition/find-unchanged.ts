import { z } from 'zod';
import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject } from '../../sites/answer-shapes.ts';
import { type ServiceTarget, sameName, toText } from '../../sites/service-target.ts';
import {
  findService,
  readLifecycle,
  readService,
  readServiceStatus,
} from '../../sites/services.ts';
import type { LiveVersion } from '../publish-ledger.ts';
import { findPermissionChanges } from '../service-permissions.ts';
import { defineStep } from '../step.ts';
import { capabilitiesOf } from './configure-service.ts';
import { contentKeyOf } from './content-key.ts';
import { portalItemIdsOf } from './live-service.ts';
import { type LivePicture, refuseIfNotAsPlanned } from './planned-state.ts';
import type { Publishing } from './publishing-context.ts';
import { lookAtData } from './service-data.ts';
import { digestOfSettings } from './snapshot.ts';
import { VerifiedService } from './verify-service.ts';

const Unchanged = z.object({
  /** There when the live service is what this request would make of it. */
  service: VerifiedService.optional(),
  version: z.number().optional(),
});
export type Unchanged = z.output<typeof Unchanged>;

/** A replacement that would change nothing is found out with a few readings, before anything else is looked at. */
export const findUnchanged = defineStep<Publishing, Unchanged>({
  name: 'compare',
  title: 'Comparing with the live service',
  share: [0, 1],
  isReading: true,
  result: Unchanged,
  act: async (publishing, { signal, log }) => {
    const { picture, ...found } = await lookForUnchanged(publishing, signal);
    if (found.service) {
      const { target } = found.service;
      await refuseIfNotAsPlanned(publishing, { action: 'unchanged', target, picture });
      await log.info(
        `${toText(found.service.target)} is what version ${found.version} made of the same definition and inputs.`,
      );
    }
    return found;
  },
});

/**
 * The same bytes with the same inputs, published and verified by us, and a service that has not changed since:
 * by its time of change, its settings and its state. Where data were looked at then, they are looked at now.
 */
export async function lookForUnchanged(
  publishing: Publishing,
  signal: AbortSignal,
): Promise<Unchanged & { picture?: LivePicture }> {
  const { site, params, wanted, ledger } = publishing;
  if (params.ifExists !== 'replace' || params.force) return {};
  const last = await ledger.findLive(site.name, toText(wanted));
  if (!last || !coversRequest(last, publishing)) return {};
  const target = await findService(site, wanted, { signal });
  if (!target) return {};
  const service = await readService(site, target, { signal });
  const { lastModifiedMs } = await readLifecycle(site, target, { signal });
  if (lastModifiedMs === undefined || lastModifiedMs !== last.live.lastModifiedMs) return {};
  if (digestOfSettings(service) !== last.live.settingsDigest) return {};
  const status = await readServiceStatus(site, target, { signal });
  const { configuredState, realTimeState } = status;
  const isAsWanted =
    sameName(configuredState, last.live.configuredState ?? '') &&
    sameName(realTimeState, configuredState);
  if (!isAsWanted) return {};
  const permissions = params.permissions
    ? await findPermissionChanges(site, target, params.permissions, { signal })
    : [];
  if (permissions.length > 0) return {};
  const isStarted = sameName(realTimeState, 'STARTED');
  const looksAtData = params.verify === 'data' && isStarted;
  const seen = looksAtData
    ? await seenData(publishing, target, service, signal)
    : { layers: [], tables: [] };
  if (!seen) return {};
  const reached = looksAtData ? 'data' : params.verify === 'listed' ? 'listed' : 'started';
  return {
    version: last.version,
    picture: { service, status, lastModifiedMs },
    service: {
      target,
      verification: reached,
      ...seen,
      portalItemIds: portalItemIdsOf(service),
      lastModifiedMs,
    },
  };
}

const depths: readonly (string | undefined)[] = ['listed', 'started', 'data'];

function coversRequest({ live }: LiveVersion, publishing: Publishing): boolean {
  const looked = depths.indexOf(live.verify);
  const wanted = depths.indexOf(publishing.params.verify);
  return live.contentKey === contentKeyOf(publishing) && looked >= wanted;
}

/** A service that has stopped working is not what was published: publishing it again may mend it. */
async function seenData(
  publishing: Publishing,
  target: ServiceTarget,
  service: JsonObject,
  signal: AbortSignal,
) {
  try {
    const settings = { capabilities: capabilitiesOf(service) };
    return await lookAtData({ ...publishing, settings }, target, signal);
  } catch (error) {
    if (error instanceof GatewayError && error.again === 'never') return undefined;
    throw error;
  }
}
