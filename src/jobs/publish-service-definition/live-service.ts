import { z } from 'zod';
import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject } from '../../sites/answer-shapes.ts';
import { readServiceRoot } from '../../sites/rest-services.ts';
import { type ServiceTarget, toText } from '../../sites/service-target.ts';
import type { Site } from '../../sites/sites.ts';
import type { LiveService, Publishing } from './publishing-context.ts';
import { digestOfSettings, type Snapshot, takeSnapshot } from './snapshot.ts';

/** Takes the full picture of a service before it is replaced, and tells what could be put back. */
export async function describeLiveService(
  publishing: Publishing,
  target: ServiceTarget,
  signal: AbortSignal,
): Promise<{ live: LiveService; snapshot: Snapshot }> {
  const { site, ledger, upload } = publishing;
  const snapshot = await takeSnapshot(site, target, signal);
  const last = await ledger.findLive(site.name, toText(target));
  const settingsDigest = digestOfSettings(snapshot.service);
  // Where the site tells no time of change, equal settings have to do.
  const isLastOneOfOurs =
    last !== undefined &&
    last.live.lastModifiedMs === snapshot.lastModifiedMs &&
    (snapshot.lastModifiedMs !== undefined || last.live.settingsDigest === settingsDigest);
  const heldUpload =
    isLastOneOfOurs && last.uploadId !== undefined
      ? await publishing.uploads.find(last.uploadId)
      : undefined;
  const live: LiveService = {
    ...snapshot.status,
    ...(snapshot.lastModifiedMs !== undefined && { lastModifiedMs: snapshot.lastModifiedMs }),
    restorable: heldUpload ? 'full' : 'settings-only',
    ...(heldUpload && last && { madeByUpload: heldUpload.uploadId, madeByVersion: last.version }),
    isSameDefinition: isLastOneOfOurs && last.sha256 === upload.sha256,
    layers: await findLayers(site, target, snapshot, signal),
    portalItemIds: portalItemIdsOf(snapshot.service),
    settingsDigest,
  };
  return { live, snapshot };
}

/** A stopped service answers nobody, so its layers are not known then. */
async function findLayers(
  site: Site,
  target: ServiceTarget,
  { status }: Snapshot,
  signal: AbortSignal,
) {
  if (status.realTimeState !== 'STARTED') return [];
  try {
    const root = await readServiceRoot(site, target, { signal });
    return [...root.layers, ...root.tables].map(({ id, name }) => ({ id, name }));
  } catch (error) {
    if (error instanceof GatewayError) return [];
    throw error;
  }
}

const WithPortalItems = z.looseObject({
  portalProperties: z.looseObject({ portalItems: z.array(z.looseObject({ itemID: z.string() })) }),
});

/** Ids of the portal's items for a service; none on a stand-alone site (Esri, "Service JSON"). */
export function portalItemIdsOf(service: JsonObject): string[] {
  const { data } = WithPortalItems.safeParse(service);
  return data?.portalProperties.portalItems.map((item) => item.itemID) ?? [];
}
