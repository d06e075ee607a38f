import { createHash } from 'node:crypto';
import { z } from 'zod';
import { JsonObject } from '../../sites/answer-shapes.ts';
import { readItemInfo, readPermissions } from '../../sites/service-extras.ts';
import type { ServiceTarget } from '../../sites/service-target.ts';
import { readLifecycle, readService, readServiceStatus } from '../../sites/services.ts';
import { isRefusal } from '../../sites/site-errors.ts';
import { KnownSiteJob } from '../../sites/site-job.ts';
import type { Site } from '../../sites/sites.ts';
import type { FolderStorage } from '../../storage/folder-storage.ts';
import { snapshotKey } from './publishing-context.ts';
import { TargetState } from './site-signs.ts';

/**
 * What a service was before it is replaced. It may hold connection strings, so it lies in storage for
 * as long as the job lives, and never in Redis.
 */
export const Snapshot = z.object({
  service: JsonObject,
  status: z.object({ configuredState: z.string(), realTimeState: z.string() }),
  lastModifiedMs: z.number().optional(),
  permissions: z.array(z.object({ principal: z.string(), isAllowed: z.boolean() })).optional(),
  itemInfo: JsonObject.optional(),
  /** How far publishing it again has come: whoever goes on after a crash must not tell the site twice. */
  again: z
    .object({
      itemId: z.string(),
      /** The target right before the site was told; absent as long as it was not. */
      before: TargetState.optional(),
      siteJob: KnownSiteJob.optional(),
    })
    .optional(),
  /** The service was published again: what the definition does not hold may still have to be put back. */
  isPutBack: z.boolean().optional(),
});
export type Snapshot = z.output<typeof Snapshot>;

export async function takeSnapshot(
  site: Site,
  target: ServiceTarget,
  signal: AbortSignal,
): Promise<Snapshot> {
  const service = await readService(site, target, { signal });
  const status = await readServiceStatus(site, target, { signal });
  const { lastModifiedMs } = await readLifecycle(site, target, { signal });
  const permissions = await orUndefinedIfRefused(readPermissions(site, target, { signal }));
  const itemInfo = await orUndefinedIfRefused(readItemInfo(site, target, { signal }));
  return {
    service,
    status,
    ...(lastModifiedMs !== undefined && { lastModifiedMs }),
    ...(permissions && { permissions }),
    ...(itemInfo && { itemInfo }),
  };
}

export async function saveSnapshot(
  storage: FolderStorage,
  jobId: string,
  snapshot: Snapshot,
): Promise<void> {
  await storage.writeText(snapshotKey(jobId), JSON.stringify(snapshot));
}

export async function findSnapshot(
  storage: FolderStorage,
  jobId: string,
): Promise<Snapshot | undefined> {
  const text = await storage.findText(snapshotKey(jobId));
  return text === undefined ? undefined : Snapshot.parse(JSON.parse(text));
}

/** The same for equal settings, whatever order the site tells them in; state is not a setting. */
export function digestOfSettings(service: JsonObject): string {
  const { configuredState: _, ...settings } = service;
  return createHash('sha256')
    .update(JSON.stringify(withSortedKeys(settings)))
    .digest('hex')
    .slice(0, 16);
}

/** For digests: equal values have equal texts. */
export function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSortedKeys);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, withSortedKeys(inner)]));
}

/** On federated sites permissions belong to the portal; some accounts may not see the rest. */
async function orUndefinedIfRefused<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}
