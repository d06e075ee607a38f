import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { RequestError } from '../lib/errors.ts';
import type { JobKeys } from './job-keys.ts';
import type { JobStatus, JobSummary } from './job-record.ts';
import type { JobRecords } from './job-records.ts';
import { listScript } from './list-script.ts';
import { toScriptJson } from './script-json.ts';

/** What a list is narrowed to: any of each member's values, all members. Times are epoch ms. */
export type JobFilter = {
  /** Absent: jobs of every owner. */
  owner?: string;
  status?: JobStatus[];
  processID?: string[];
  site?: string[];
  label?: string[];
  reference?: string[];
  parent?: string[];
  createdFromMs?: number;
  createdToMs?: number;
  minDurationMs?: number;
  maxDurationMs?: number;
};

export type JobPage = { jobs: JobSummary[]; nextCursor?: string };

/** How many candidates one page looks at before it answers with fewer than were asked for. */
const lookBudget = 5_000;
const cursorLifeMs = 3 * 86_400_000;

/** Lists jobs, newest first, page by page. A cursor is sealed: it tells nothing and fits one list only. */
export class JobList {
  readonly #redis: Redis;
  readonly #records: JobRecords;
  readonly #keys: JobKeys;

  constructor(redis: Redis, records: JobRecords) {
    this.#redis = redis;
    this.#records = records;
    this.#keys = records.keys;
  }

  /** @throws RequestError invalid_cursor for a cursor of another list, another caller, or too old */
  async read(filter: JobFilter, limit: number, cursor: string | undefined): Promise<JobPage> {
    const before = cursor ? await this.#open(cursor, filter) : '';
    const found = (await this.#redis.eval(
      listScript,
      0,
      this.#keys.prefix,
      '',
      String(Date.now()),
      toScriptJson(toIndexNames(filter)),
      before,
      String(limit + 1),
      String(lookBudget),
      JSON.stringify(toTimes(filter)),
    )) as string[];
    const goOn = found.pop() ?? '';
    const rows = found.flatMap((jobId, index) =>
      index % 2 === 0 ? [{ jobId, seq: found[index + 1] ?? '' }] : [],
    );
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1)?.seq : goOn;
    return {
      jobs: await this.#records.findSummaries(page.map((row) => row.jobId)),
      ...(last && { nextCursor: await this.#seal(last, filter) }),
    };
  }

  async #seal(seq: string, filter: JobFilter): Promise<string> {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', await this.#key(), iv);
    cipher.setAAD(digestOfFilter(filter));
    const text = JSON.stringify({ seq, exp: Date.now() + cursorLifeMs });
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  async #open(cursor: string, filter: JobFilter): Promise<string> {
    const key = await this.#key();
    try {
      const bytes = Buffer.from(cursor, 'base64url');
      if (bytes.toString('base64url') !== cursor) throw new Error('not canonical');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
      decipher.setAAD(digestOfFilter(filter));
      decipher.setAuthTag(bytes.subarray(12, 28));
      const text = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
      const { seq, exp } = JSON.parse(text.toString('utf8')) as { seq: string; exp: number };
      if (exp < Date.now()) throw new Error('too old');
      return seq;
    } catch (error) {
      throw new RequestError(
        'invalid_cursor',
        'The cursor belongs to another list or is too old: begin again without it.',
        { cause: error, errors: [{ parameter: 'cursor', detail: 'not a cursor of this list' }] },
      );
    }
  }

  /** Made once per Redis, so that any http process opens what another sealed. */
  async #key(): Promise<Buffer> {
    await this.#redis.setnx(this.#keys.cursorKey, randomBytes(32).toString('hex'));
    return Buffer.from((await this.#redis.get(this.#keys.cursorKey)) ?? '', 'hex');
  }
}

function toIndexNames(filter: JobFilter): string[][] {
  const byIndex: [string, string[] | undefined][] = [
    ['owner', filter.owner === undefined ? undefined : [filter.owner]],
    ['status', filter.status],
    ['process', filter.processID],
    ['site', filter.site],
    ['label', filter.label],
    ['reference', filter.reference],
    ['parent', filter.parent],
  ];
  return byIndex.flatMap(([kind, values]) =>
    values ? [[...new Set(values)].map((value) => `${kind}:${value}`)] : [],
  );
}

function toTimes({ createdFromMs, createdToMs, minDurationMs, maxDurationMs }: JobFilter) {
  return { createdFromMs, createdToMs, minDurationMs, maxDurationMs };
}

function digestOfFilter(filter: JobFilter): Buffer {
  const sorted = Object.entries(filter).sort(([a], [b]) => a.localeCompare(b));
  return createHash('sha256').update(JSON.stringify(sorted)).digest();
}
