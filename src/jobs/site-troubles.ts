import type { Redis } from 'ioredis';
import type { JobKeys } from './job-keys.ts';
import type { SiteRecords } from './site-records.ts';

/** Failures that nothing explains count together when they lie this close. */
const windowMs = 10 * 60_000;
/** Time for somebody to look at the site; then jobs try again by themselves. */
const holdMs = 15 * 60_000;

/** Which services of a site failed lately for no reason that is known: several at once are the site's doing. */
export class SiteTroubles {
  readonly #redis: Redis;
  readonly #keys: JobKeys;
  readonly #siteRecords: SiteRecords;

  constructor(redis: Redis, keys: JobKeys, siteRecords: SiteRecords) {
    this.#redis = redis;
    this.#keys = keys;
    this.#siteRecords = siteRecords;
  }

  /**
   * Notes a failure. The same service counts once, however often it is tried: it may be at fault itself.
   *
   * @returns how many services failed in this step, and within which time
   */
  async note(
    site: string,
    { step, service }: { step: string; service: string },
  ): Promise<{ services: number; withinMs: number }> {
    const key = this.#keys.siteTroubles(site, step);
    const nowMs = Date.now();
    await this.#redis
      .multi()
      .zadd(key, String(nowMs), service.toLowerCase())
      .zremrangebyscore(key, '-inf', String(nowMs - windowMs))
      .pexpire(key, windowMs)
      .exec();
    const noted = await this.#redis.zrange(key, '0', '-1', 'WITHSCORES');
    return { services: noted.length / 2, withinMs: nowMs - Number(noted[1] ?? nowMs) };
  }

  /** Lets no further job begin for a while. A hold of somebody's own stays as it is. */
  async hold(site: string, reason: string): Promise<void> {
    if (await this.#siteRecords.findHold(site)) return;
    const sinceMs = Date.now();
    const untilMs = sinceMs + holdMs;
    await this.#siteRecords.hold(site, { reason, by: 'Pressroom', sinceMs, untilMs });
  }
}
