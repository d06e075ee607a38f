import type { Redis } from 'ioredis';
import { z } from 'zod';
import { SecretMask } from '../lib/secret-mask.ts';
import type { JobKeys } from './job-keys.ts';

/** What a site said when an item was last validated. */
export const DataStoreValidation = z
  .object({
    at: z.string().describe('When, RFC 3339'),
    isValid: z.boolean(),
    messages: z.array(z.string()).describe("The site's own words; none when it is valid"),
    machines: z
      .array(
        z.object({
          machine: z.string(),
          isValid: z.boolean(),
          message: z.string().optional(),
        }),
      )
      .optional()
      .describe('Per machine, where the site tells machines apart'),
    lastValidAt: z.string().optional().describe('When it was valid the last time, RFC 3339'),
  })
  .meta({ id: 'DataStoreValidation' });
export type DataStoreValidation = z.output<typeof DataStoreValidation>;

/** Remembers how each data store item of a site was last found. */
export class DataStoreValidations {
  readonly #redis: Redis;
  readonly #keys: JobKeys;
  readonly #mask: SecretMask;

  constructor(redis: Redis, keys: JobKeys, mask = new SecretMask()) {
    this.#redis = redis;
    this.#keys = keys;
    this.#mask = mask;
  }

  /** The same, with the secrets of a job masked in what is kept: a site may repeat what it was sent. */
  maskedBy(mask: SecretMask): DataStoreValidations {
    return new DataStoreValidations(this.#redis, this.#keys, mask);
  }

  async save(site: string, path: string, found: DataStoreValidation): Promise<void> {
    const before = await this.find(site, path);
    const lastValidAt = found.isValid ? found.at : (before?.lastValidAt ?? undefined);
    const kept = { ...this.#mask.inTexts(found), ...(lastValidAt && { lastValidAt }) };
    await this.#redis.hset(this.#key(site), path.toLowerCase(), JSON.stringify(kept));
  }

  async find(site: string, path: string): Promise<DataStoreValidation | undefined> {
    return parse(await this.#redis.hget(this.#key(site), path.toLowerCase()));
  }

  /** By path in lower case. */
  async findAll(site: string): Promise<Map<string, DataStoreValidation>> {
    const hash = await this.#redis.hgetall(this.#key(site));
    return new Map(
      Object.entries(hash).flatMap(([path, text]) => {
        const found = parse(text);
        return found ? [[path, found] as const] : [];
      }),
    );
  }

  async forget(site: string, path: string): Promise<void> {
    await this.#redis.hdel(this.#key(site), path.toLowerCase());
  }

  #key(site: string): string {
    return this.#keys.dataStoreValidations(site);
  }
}

function parse(text: string | null): DataStoreValidation | undefined {
  return text === null ? undefined : DataStoreValidation.safeParse(JSON.parse(text)).data;
}
