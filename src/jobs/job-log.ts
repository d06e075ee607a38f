import { z } from 'zod';
import { redactSecrets } from '../lib/redact.ts';
import type { JobRecords } from './job-records.ts';

export const JobLogEntry = z
  .object({
    time: z.string().describe('When, RFC 3339'),
    level: z.enum(['info', 'warning', 'error']),
    source: z
      .enum(['gateway', 'site', 'server-log'])
      .describe('Who says so: Pressroom, the messages of the site job, or the log of the site'),
    step: z.string().optional(),
    attempt: z.int(),
    message: z.string(),
  })
  .meta({ id: 'JobLogEntry' });
export type JobLogEntry = z.output<typeof JobLogEntry>;

/** Where messages are kept. */
type Messages = Pick<JobRecords, 'appendLog'>;

type Place = { attempt: number; step?: string | undefined };

/** The messages of one job, for its callers. Every text is masked before it is kept. */
export class JobLog {
  readonly #records: Messages;
  readonly #jobId: string;
  readonly #place: Place;
  readonly #mask: (text: string) => string;

  /** @param mask hides what the patterns of secrets do not find */
  constructor(
    records: Messages,
    jobId: string,
    place: Place,
    mask: (text: string) => string = (text) => text,
  ) {
    this.#records = records;
    this.#jobId = jobId;
    this.#place = place;
    this.#mask = mask;
  }

  info(message: string, source: JobLogEntry['source'] = 'gateway'): Promise<void> {
    return this.add({ level: 'info', source, message });
  }

  warning(message: string, source: JobLogEntry['source'] = 'gateway'): Promise<void> {
    return this.add({ level: 'warning', source, message });
  }

  error(message: string, source: JobLogEntry['source'] = 'gateway'): Promise<void> {
    return this.add({ level: 'error', source, message });
  }

  async add(
    entry: Pick<JobLogEntry, 'level' | 'source' | 'message'> & { timeMs?: number },
  ): Promise<void> {
    const { timeMs, ...said } = entry;
    const kept: JobLogEntry = {
      time: new Date(timeMs ?? Date.now()).toISOString(),
      ...said,
      attempt: this.#place.attempt,
      ...(this.#place.step && { step: this.#place.step }),
      message: redactSecrets(this.#mask(said.message)).slice(0, 8_000),
    };
    await this.#records.appendLog(this.#jobId, kept);
  }
}
