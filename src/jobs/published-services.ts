import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { JobKeys } from './job-keys.ts';

/** What Pressroom itself last published under a name, and which upload made it. */
const PublishedService = z.object({
  jobId: z.string(),
  uploadId: z.string(),
  sha256: z.string(),
  publishedMs: z.coerce.number(),
  lastModifiedMs: z.coerce.number().optional(),
});
export type PublishedService = z.output<typeof PublishedService>;

/** Remembers per site and service the definition that made the live one: what can be put back. */
export class PublishedServices {
  readonly #redis: Redis;
  readonly #keys: JobKeys;

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async find(site: string, target: string): Promise<PublishedService | undefined> {
    const hash = await this.#redis.hgetall(this.#keys.published(site, target.toLowerCase()));
    return hash.jobId ? PublishedService.parse(hash) : undefined;
  }

  async save(site: string, target: string, published: PublishedService): Promise<void> {
    const key = this.#keys.published(site, target.toLowerCase());
    const known = Object.fromEntries(
      Object.entries(published).filter(([, value]) => value !== undefined),
    );
    await this.#redis.multi().del(key).hset(key, known).exec();
  }
}
