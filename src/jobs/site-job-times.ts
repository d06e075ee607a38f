import type { Redis } from 'ioredis';
import { type ServiceTarget, toText } from '../sites/service-target.ts';
import type { JobKeys } from './job-keys.ts';

const remembered = 10;
/** A service that nobody has published for so long is forgotten. */
const keptMs = 90 * 24 * 3_600_000;

/** How long site jobs took that published: of a service, and of all services of its type on the site. */
export class SiteJobTimes {
  readonly #redis: Redis;
  readonly #keys: JobKeys;

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async note(site: string, target: ServiceTarget, tookMs: number): Promise<void> {
    const pipeline = this.#redis.multi();
    for (const key of this.#keysOf(site, target)) {
      pipeline.lpush(key, Math.round(tookMs));
      pipeline.ltrim(key, 0, remembered - 1);
      pipeline.pexpire(key, keptMs);
    }
    await pipeline.exec();
  }

  /** The last ones in milliseconds, newest first: of the service itself where there are any. */
  async find(site: string, target: ServiceTarget): Promise<number[]> {
    const [own = [], ofType = []] = await Promise.all(
      this.#keysOf(site, target).map((key) => this.#redis.lrange(key, 0, -1)),
    );
    return (own.length > 0 ? own : ofType).map(Number);
  }

  #keysOf(site: string, target: ServiceTarget): [string, string] {
    return [
      this.#keys.siteJobTimes(site, toText(target).toLowerCase()),
      this.#keys.siteJobTimes(site, `*.${target.type.toLowerCase()}`),
    ];
  }
}
