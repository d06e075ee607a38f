import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { JobKeys } from './job-keys.ts';
import { JobStatus } from './job-record.ts';

/** One child in the table of its parent. Without `jobID` it never was a job. */
export const ChildRow = z
  .object({
    index: z.int().describe('Its place among the children, from 0'),
    key: z.string().describe('Names the child within its parent, in a retry too'),
    jobID: z.string().optional().describe('Its job; none: it was never begun'),
    processID: z.string().describe('What it does'),
    site: z.string().optional().describe('The site that it works on'),
    service: z.string().optional().describe('The service that it makes or changes'),
    status: JobStatus,
    outcome: z.string().optional().describe('What came of it, such as `created` or `replaced`'),
    code: z.string().optional().describe('Kind of the problem of one that failed'),
    detail: z.string().optional().describe('What went wrong, or why it was not begun'),
    isKept: z
      .boolean()
      .optional()
      .describe('True: it was successful in an earlier try and was not done again'),
    digest: z.string().optional().describe('Of the files that it works with'),
  })
  .meta({ id: 'ChildRow' });
export type ChildRow = z.output<typeof ChildRow>;

/** Reads the tables of parents. Rows are written only together with what they tell of. */
export class ChildRows {
  readonly #redis: Redis;
  readonly #keys: JobKeys;

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** In order, from an index on; the status of those that have not ended is that of their jobs. */
  async read(parentID: string, from: number, count: number): Promise<ChildRow[]> {
    return this.#withStatusNow(await this.readWritten(parentID, from, count));
  }

  /** In order, from an index on, as they were written: `accepted` means that it has not ended. */
  async readWritten(parentID: string, from: number, count: number): Promise<ChildRow[]> {
    const fields = Array.from({ length: count }, (_, at) => String(from + at));
    if (fields.length === 0) return [];
    const texts = await this.#redis.hmget(this.#keys.childRows(parentID), ...fields);
    return texts.flatMap((text) => (text ? [ChildRow.parse(JSON.parse(text))] : []));
  }

  /** All of them, as they were written. */
  async readAll(parentID: string): Promise<ChildRow[]> {
    const texts = await this.#redis.hvals(this.#keys.childRows(parentID));
    return texts
      .map((text) => ChildRow.parse(JSON.parse(text)))
      .sort((one, other) => one.index - other.index);
  }

  async #withStatusNow(rows: ChildRow[]): Promise<ChildRow[]> {
    const pipeline = this.#redis.pipeline();
    for (const { jobID } of rows) pipeline.hget(this.#keys.job(jobID ?? ''), 'status');
    const found = (await pipeline.exec()) ?? [];
    return rows.map((row, at) => {
      const status = JobStatus.safeParse(found[at]?.[1]).data;
      return row.status === 'accepted' && status ? { ...row, status } : row;
    });
  }
}
