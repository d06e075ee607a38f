import type { Redis } from 'ioredis';
import { type JobNews, toNews } from './change-feed.ts';
import type { JobKeys } from './job-keys.ts';
import type { JobStatus } from './job-record.ts';

/** One thing that happened to a job: a change of its state, or a message. Counted from 1 per job. */
export type JobEvent =
  | { number: number; kind: 'log'; entry: unknown }
  | {
      number: number;
      kind: 'status';
      change: string;
      rev: number;
      status: JobStatus;
      message: string;
      progress: number;
      step?: string;
    };

const pageLength = 200;

/** The first event of a job that waits is told by its record alone, and stored nowhere. */
const accepted: JobEvent = {
  number: 1,
  kind: 'status',
  change: 'accepted',
  rev: 1,
  status: 'accepted',
  message: '',
  progress: 0,
};

/** Reads what happened to jobs, from any point on: for logs, event streams and reconnecting listeners. */
export class JobEvents {
  readonly #redis: Redis;
  readonly #keys: JobKeys;

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** Oldest first. */
  async readAfter(jobId: string, number: number): Promise<JobEvent[]> {
    const events = await this.#readStored(jobId, number);
    if (number > 0) return events;
    // Where nothing is stored, the first event is the only one, or all have been removed.
    const isFirstUntold = events[0] ? events[0].number === 2 : (await this.readNewest(jobId)) === 1;
    return isFirstUntold ? [accepted, ...events] : events;
  }

  async #readStored(jobId: string, number: number): Promise<JobEvent[]> {
    const rows = await this.#redis.xrange(
      this.#keys.log(jobId),
      `(${number}-0`,
      '+',
      'COUNT',
      String(pageLength),
    );
    return rows.map(([id, fields]) => toEvent(id, fields));
  }

  /** Number of the newest event; 0 before the first. */
  async readNewest(jobId: string): Promise<number> {
    return Number((await this.#redis.hget(this.#keys.job(jobId), 'events')) ?? 0);
  }

  /** Messages only, oldest first, each with the id to go on from. */
  async readLog(
    jobId: string,
    after: string,
    count: number,
  ): Promise<{ id: string; entry: unknown }[]> {
    const found: { id: string; entry: unknown }[] = [];
    let from = after ? Number(after.split('-')[0]) : 0;
    while (found.length < count) {
      const events = await this.#readStored(jobId, from);
      for (const event of events) {
        from = event.number;
        if (event.kind === 'log' && found.length < count)
          found.push({ id: `${event.number}-0`, entry: event.entry });
      }
      if (events.length < pageLength) break;
    }
    return found;
  }

  /** News of all jobs after a place in the stream of changes, oldest first, as far as the stream reaches back. */
  async readNewsAfter(id: string): Promise<JobNews[]> {
    const rows = await this.#redis.xrange(this.#keys.changes, `(${id}`, '+', 'COUNT', '5000');
    return rows.map(([at, fields]) => toNews(at, fields));
  }

  async readNewestNewsId(): Promise<string> {
    const [newest] = await this.#redis.xrevrange(this.#keys.changes, '+', '-', 'COUNT', '1');
    return newest?.[0] ?? '0-0';
  }
}

function toEvent(id: string, fields: string[]): JobEvent {
  const members = new Map<string, string>();
  for (let at = 0; at + 1 < fields.length; at += 2)
    members.set(fields[at] ?? '', fields[at + 1] ?? '');
  const number = Number(id.split('-')[0]);
  const entry = members.get('entry');
  if (entry !== undefined) return { number, kind: 'log', entry: JSON.parse(entry) };
  const step = members.get('step');
  return {
    number,
    kind: 'status',
    change: members.get('kind') ?? '',
    rev: Number(members.get('rev')),
    status: members.get('status') as JobStatus,
    message: members.get('message') ?? '',
    progress: Number(members.get('progress')),
    ...(step && { step }),
  };
}
