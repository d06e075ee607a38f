import type { Redis } from 'ioredis';
import type { JobKeys } from './job-keys.ts';
import { queueNameOf } from './job-queue.ts';
import type { JobRecord, JobSummary } from './job-record.ts';
import { freeSlotsOf, type SiteRecords } from './site-records.ts';

type Kind = Pick<JobRecord, 'processID' | 'queue'>;

/** When something will probably be done, and how many past jobs that is read from. */
export type Forecast = { finishMs: number; basedOn: number };

/** Jobs that belong to no site share no slots; so many go on at a time in one worker. */
const slotsHere = 16;

/** Tells how long things will take from how long they took before: the same kind of job in the same queue. */
export class JobForecasts {
  readonly #redis: Redis;
  readonly #keys: JobKeys;
  readonly #siteRecords: SiteRecords;

  constructor(redis: Redis, keys: JobKeys, siteRecords: SiteRecords) {
    this.#redis = redis;
    this.#keys = keys;
    this.#siteRecords = siteRecords;
  }

  /** Median of the last durations; nothing where none is known. */
  async findUsual({ processID, queue }: Kind): Promise<{ ms: number; of: number } | undefined> {
    const texts = await this.#redis.lrange(this.#keys.durations(processID, queue), 0, -1);
    const sorted = texts.map(Number).sort((one, other) => one - other);
    const ms = sorted[Math.floor(sorted.length / 2)];
    return ms === undefined ? undefined : { ms, of: sorted.length };
  }

  /** Seconds until a job begins that has this place (from 1) among those that wait for a slot. */
  async findSecondsToSlot(record: Kind, place: number): Promise<number | undefined> {
    const usual = await this.findUsual(record);
    if (!usual) return undefined;
    const rounds = Math.ceil(place / (await this.#slotsOf(record.queue)));
    return Math.ceil((rounds * usual.ms) / 1_000);
  }

  /** Seconds until a job begins that has this place in the line behind a holder. */
  async findSecondsToService(
    record: Kind,
    holder: JobSummary | undefined,
    place: number,
  ): Promise<number | undefined> {
    const usual = await this.findUsual(record);
    if (!usual) return undefined;
    const held = holder?.startedMs === undefined ? 0 : Date.now() - holder.startedMs;
    const ofHolder = holder ? Math.max(0, ((await this.findUsual(holder))?.ms ?? 0) - held) : 0;
    return Math.ceil((ofHolder + (place - 1) * usual.ms) / 1_000);
  }

  /** Of a parent: when its last child will have ended, if nobody else's jobs come between. */
  async findEnd({ children }: Pick<JobRecord, 'children'>): Promise<Forecast | undefined> {
    if (!children || children.open === 0) return undefined;
    const usual = await Promise.all(
      children.openByKind.map(async (kind) => ({ ...kind, usual: await this.findUsual(kind) })),
    );
    const busyMs = new Map<string, number>();
    let basedOn = 0;
    for (const kind of usual) {
      if (!kind.usual) return undefined;
      busyMs.set(kind.queue, (busyMs.get(kind.queue) ?? 0) + kind.count * kind.usual.ms);
      basedOn += kind.usual.of;
    }
    // Those that are not made yet are taken for more of the same.
    const growth = (children.open + children.expected - children.total) / children.open;
    const spans = await Promise.all(
      [...busyMs].map(async ([queue, ms]) => (ms * growth) / (await this.#slotsOf(queue))),
    );
    return { finishMs: Date.now() + Math.max(...spans), basedOn };
  }

  async #slotsOf(queue: string): Promise<number> {
    if (queue === queueNameOf(undefined)) return slotsHere;
    const site = queue.startsWith(sitePrefix) ? queue.slice(sitePrefix.length) : undefined;
    const read = site === undefined ? undefined : await this.#siteRecords.find(site);
    return read ? freeSlotsOf(read) : 1;
  }
}

const sitePrefix = queueNameOf('');
