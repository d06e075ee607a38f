import type { Redis } from 'ioredis';
import { z } from 'zod';
import { runScript } from '../lib/redis.ts';
import type { JobKeys } from './job-keys.ts';
import { letGoOldScript, recordScript, setLiveScript } from './ledger-scripts.ts';

/** What came of a publish. A failed one may have been put back: `current` tells what is live. */
export const LedgerResult = z.enum(['created', 'replaced', 'imported', 'failed']);

/** One publish of a service, as it is remembered for good. */
const LedgerEntry = z.object({
  jobId: z.string(),
  owner: z.string(),
  publishedMs: z.number(),
  result: LedgerResult,
  sha256: z.string(),
  fileName: z.string(),
  sizeBytes: z.number(),
  verification: z.string().optional(),
  rollbackOf: z.number().optional(),
  /** The inputs that shaped the service, for publishing it again. */
  inputs: z.record(z.string(), z.unknown()).default({}),
});
export type LedgerEntry = z.output<typeof LedgerEntry>;

/** What the service looked like when it was last found to be what was published. */
const LiveLook = z.object({
  lastModifiedMs: z.number().optional(),
  settingsDigest: z.string().optional(),
  configuredState: z.string().optional(),
  /** What was published, with all inputs that shape the service; only of what was proven to be live. */
  contentKey: z.string().optional(),
  /** How far was looked then. */
  verify: z.string().optional(),
});
export type LiveLook = z.output<typeof LiveLook>;

export type LedgerVersion = LedgerEntry & {
  version: number;
  /** The definition, while it is kept. */
  uploadId?: string;
};

export type LiveVersion = LedgerVersion & { live: LiveLook };

export type LedgerPage = { current?: number; versions: LedgerVersion[]; nextBefore?: number };

/** How many definitions are kept per service beside the live one, and for how long after it was live. */
export type LedgerRules = { keepVersions: number; keepDays: number };

/** Entries that are kept per service; they are small, unlike definitions. */
const keepEntries = 1_000;
const letGoAtOnce = 200;
const keepPlanDays = 30;
const dayMs = 86_400_000;

/**
 * Per site and service: every publish, which of them is live, and the definitions that can be published
 * again. Only Pressroom writes here, so what other people do on the site is found out by comparing.
 */
export class PublishLedger {
  readonly #redis: Redis;
  readonly #keys: JobKeys;
  readonly #rules: LedgerRules;

  constructor(redis: Redis, keys: JobKeys, rules: LedgerRules) {
    this.#redis = redis;
    this.#keys = keys;
    this.#rules = rules;
  }

  /** @returns the version; the same for the same job. With `live` the service is what this job published. */
  async record(
    site: string,
    target: string,
    entry: LedgerEntry,
    { uploadId, live }: { uploadId: string; live?: LiveLook },
  ): Promise<number> {
    const version = await this.#run(recordScript, [
      toService(site, target),
      entry.jobId,
      JSON.stringify(entry),
      entry.sha256,
      uploadId,
      live ? JSON.stringify(live) : '',
      String(this.#rules.keepVersions),
      String(keepEntries),
    ]);
    return Number(version);
  }

  /** Another version is live again, as `live` describes it; without a version nothing that we know. */
  async setLive(
    site: string,
    target: string,
    version: number | undefined,
    live?: LiveLook,
  ): Promise<void> {
    await this.#run(setLiveScript, [
      toService(site, target),
      version === undefined ? '' : String(version),
      live ? JSON.stringify(live) : '',
    ]);
  }

  /** The version that Pressroom last made live. Whether it still is, the site tells. */
  async findLive(site: string, target: string): Promise<LiveVersion | undefined> {
    const current = await this.#redis.hget(this.#keys.ledger(toService(site, target)), 'current');
    return current === null ? undefined : this.findVersion(site, target, Number(current));
  }

  async findVersion(
    site: string,
    target: string,
    version: number,
  ): Promise<LiveVersion | undefined> {
    const key = this.#keys.ledgerVersion(toService(site, target), version);
    return toVersion(version, await this.#redis.hgetall(key));
  }

  /** Newest first. */
  async readPage(
    site: string,
    target: string,
    { before, limit }: { before?: number | undefined; limit: number },
  ): Promise<LedgerPage> {
    const service = toService(site, target);
    const [last, current] = await this.#redis.hmget(this.#keys.ledger(service), 'last', 'current');
    const newest = Math.min(Number(last ?? 0), (before ?? Number.POSITIVE_INFINITY) - 1);
    const numbers = Array.from({ length: Math.min(limit, newest) }, (_, index) => newest - index);
    const pipeline = this.#redis.pipeline();
    for (const version of numbers) pipeline.hgetall(this.#keys.ledgerVersion(service, version));
    const replies = (await pipeline.exec()) ?? [];
    const versions = replies.flatMap(([error, hash], index) => {
      if (error) throw error;
      const found = toVersion(numbers[index] ?? 0, hash as Record<string, string>);
      return found ? [found] : [];
    });
    const goOn = newest - numbers.length > 0 && versions.length === numbers.length;
    return {
      versions,
      ...(current && { current: Number(current) }),
      ...(goOn && { nextBefore: newest - numbers.length + 1 }),
    };
  }

  /** What a plan was made for, so that what differs later can be told. */
  async savePlan(digest: string, state: Record<string, string>): Promise<void> {
    await this.#redis.set(
      this.#keys.plan(digest),
      JSON.stringify(state),
      'PX',
      keepPlanDays * dayMs,
    );
  }

  /** Not shorter than until then, in epoch milliseconds. */
  async keepPlan(digest: string, untilMs: number): Promise<void> {
    await this.#redis.pexpireat(this.#keys.plan(digest), Math.ceil(untilMs), 'GT');
  }

  async findPlan(digest: string): Promise<Record<string, string> | undefined> {
    const text = await this.#redis.get(this.#keys.plan(digest));
    return text === null ? undefined : z.record(z.string(), z.string()).parse(JSON.parse(text));
  }

  /** Lets go of definitions that stopped being live long ago: their files go when nobody else needs them. */
  async letGoOld(): Promise<void> {
    const beforeMs = Date.now() - this.#rules.keepDays * dayMs;
    await this.#run(letGoOldScript, [String(beforeMs), String(letGoAtOnce)]);
  }

  #run(script: string, argv: string[]): Promise<unknown> {
    return runScript(this.#redis, script, [this.#keys.prefix, String(Date.now()), ...argv]);
  }
}

/** Sites do not mind the case of names. */
function toService(site: string, target: string): string {
  return `${site}:${target.toLowerCase()}`;
}

function toVersion(version: number, hash: Record<string, string>): LiveVersion | undefined {
  if (!hash.entry) return undefined;
  const { entry, live, uploadId } = hash;
  return {
    ...LedgerEntry.parse(JSON.parse(entry)),
    version,
    live: LiveLook.parse(JSON.parse(live ?? '{}')),
    ...(uploadId && { uploadId }),
  };
}
