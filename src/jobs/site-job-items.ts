import type { Redis } from 'ioredis';
import type { SiteJobItems } from '../sites/publishing.ts';
import type { JobKeys } from './job-keys.ts';

/** Longer than sites list their jobs: six hours after their end by default. One that is forgotten is asked again. */
const keptMs = 2 * 24 * 3_600_000;

/** Which site job was given which upload: one that was told or looked at once needs no request any more. */
export class KnownSiteJobItems implements SiteJobItems {
  readonly #redis: Redis;
  readonly #keys: JobKeys;

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async keep(site: string, items: ReadonlyMap<string, string>): Promise<void> {
    const pipeline = this.#redis.pipeline();
    for (const [siteJobId, itemId] of items)
      pipeline.set(this.#keys.siteJobItem(site, siteJobId), itemId, 'PX', keptMs);
    for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
  }

  async find(site: string, siteJobIds: string[]): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    if (siteJobIds.length === 0) return found;
    const keys = siteJobIds.map((siteJobId) => this.#keys.siteJobItem(site, siteJobId));
    const itemIds = await this.#redis.mget(keys);
    for (const [at, siteJobId] of siteJobIds.entries()) {
      const itemId = itemIds[at];
      if (itemId) found.set(siteJobId, itemId);
    }
    return found;
  }
}
