import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { JobKeys } from './job-keys.ts';

/** What the elected reader of a site saw last. `http` answers from it and never asks the site. */
export const SiteRecord = z
  .object({
    readAt: z.string().describe('When the site was last looked at, RFC 3339'),
    health: z
      .enum(['up', 'down', 'read-only', 'upgrading', 'login-refused'])
      .describe('Whether jobs for the site can go on'),
    detail: z.string().optional().describe('What is wrong, and what to do about it'),
    version: z.string().optional().describe('Version of ArcGIS Server, as the site tells it'),
    isFederated: z.boolean().optional(),
    privilege: z.string().optional().describe('Privilege of our account on the site'),
    mode: z.string().optional().describe('EDITABLE or READ_ONLY'),
    slots: z.int().describe('Publishing jobs that run at a time'),
    foreignJobs: z
      .array(z.object({ siteJobId: z.string(), account: z.string() }))
      .optional()
      .describe('Publishing jobs of other accounts that the site works on: each takes up a slot'),
    publishingTools: z.string().optional().describe('State of the service that publishes'),
    clockDifferenceMs: z.number().optional().describe("The site's clock minus ours"),
    machines: z.int().optional(),
    isDataCopyBlocked: z.boolean().optional(),
    dataStoreItems: z.array(z.object({ path: z.string(), type: z.string() })).optional(),
  })
  .meta({ id: 'SiteRecord' });
export type SiteRecord = z.output<typeof SiteRecord>;

/** How many jobs of ours may run: others have the rest; one always goes on, for a site lets it wait itself. */
export function freeSlotsOf({ slots, foreignJobs = [] }: SiteRecord): number {
  return Math.max(1, slots - foreignJobs.length);
}

/** A site that rests: until when, and why. */
export const ClosedSite = z.object({
  reason: z.string(),
  detail: z.string(),
  sinceMs: z.number(),
  untilMs: z.number(),
});
export type ClosedSite = z.output<typeof ClosedSite>;

/** Set by people: jobs that have not begun do not begin. Without `untilMs` until it is released. */
export const SiteHold = z.object({
  reason: z.string(),
  by: z.string(),
  sinceMs: z.number(),
  untilMs: z.number().optional(),
});
export type SiteHold = z.output<typeof SiteHold>;

/** What is known about sites, shared by all processes. */
export class SiteRecords {
  readonly #redis: Redis;
  readonly #keys: JobKeys;
  readonly #reading = new Map<string, Promise<SiteRecord | undefined>>();
  readonly #parsed = new Map<string, { text: string | null; record: SiteRecord | undefined }>();

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** Whoever asks while the same is being read gets the same answer. */
  find(site: string): Promise<SiteRecord | undefined> {
    const underWay = this.#reading.get(site);
    if (underWay) return underWay;
    const reading = this.#read(site).finally(() => this.#reading.delete(site));
    this.#reading.set(site, reading);
    return reading;
  }

  async #read(site: string): Promise<SiteRecord | undefined> {
    const text = await this.#redis.get(this.#keys.site(site));
    const before = this.#parsed.get(site);
    if (before && before.text === text) return before.record;
    const record = parsed(SiteRecord, text);
    this.#parsed.set(site, { text, record });
    return record;
  }

  /** Those that have been read, by name. */
  async findAll(sites: readonly string[]): Promise<Record<string, SiteRecord>> {
    const [only] = sites;
    if (only === undefined) return {};
    if (sites.length === 1) {
      const record = await this.find(only);
      return record ? { [only]: record } : {};
    }
    const found = await Promise.all(
      sites.map(
        async (site): Promise<[string, SiteRecord | undefined]> => [site, await this.find(site)],
      ),
    );
    return Object.fromEntries(
      found.flatMap(([site, record]) => (record ? [[site, record] as const] : [])),
    );
  }

  async save(site: string, record: SiteRecord): Promise<void> {
    await this.#redis.set(this.#keys.site(site), JSON.stringify(record));
  }

  async findClosed(site: string): Promise<ClosedSite | undefined> {
    return parsed(ClosedSite, await this.#redis.get(this.#keys.siteClosed(site)));
  }

  /** Keeps the beginning of a closure that goes on. */
  async close(site: string, closed: Omit<ClosedSite, 'sinceMs'>): Promise<void> {
    const before = await this.findClosed(site);
    const kept: ClosedSite = { ...closed, sinceMs: before?.sinceMs ?? Date.now() };
    await this.#redis.set(this.#keys.siteClosed(site), JSON.stringify(kept));
  }

  async reopen(site: string): Promise<void> {
    await this.#redis.del(this.#keys.siteClosed(site), this.#keys.siteProbe(site));
  }

  /** A hold that has run out is none. */
  async findHold(site: string): Promise<SiteHold | undefined> {
    const hold = parsed(SiteHold, await this.#redis.get(this.#keys.siteHold(site)));
    return hold?.untilMs !== undefined && hold.untilMs <= Date.now() ? undefined : hold;
  }

  async hold(site: string, hold: SiteHold): Promise<void> {
    await this.#redis.set(this.#keys.siteHold(site), JSON.stringify(hold));
  }

  /** @returns false when the site was not held */
  async release(site: string): Promise<boolean> {
    return (await this.#redis.del(this.#keys.siteHold(site))) === 1;
  }

  /** One job at a time may try whether a closed site is open again. */
  async takeProbe(site: string, jobId: string, forMs: number): Promise<boolean> {
    const key = this.#keys.siteProbe(site);
    const taken = await this.#redis.set(key, jobId, 'PX', forMs, 'NX');
    return taken !== null || (await this.#redis.get(key)) === jobId;
  }

  /** @returns true while this worker is the one that reads the site */
  async holdLease(site: string, worker: string, forMs: number): Promise<boolean> {
    const script = `
      local holder = redis.call('GET', KEYS[1])
      if holder and holder ~= ARGV[1] then return 0 end
      redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
      return 1`;
    return (await this.#redis.eval(script, 1, this.#keys.siteLease(site), worker, forMs)) === 1;
  }

  async giveLeaseBack(site: string, worker: string): Promise<void> {
    const script = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;
    await this.#redis.eval(script, 1, this.#keys.siteLease(site), worker);
  }
}

function parsed<T>(schema: z.ZodType<T>, text: string | null): T | undefined {
  if (text === null) return undefined;
  return schema.safeParse(JSON.parse(text)).data;
}
