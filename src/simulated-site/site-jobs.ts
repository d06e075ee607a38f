import { randomUUID } from 'node:crypto';
import { pause } from '../lib/wait.ts';
import type { Privilege } from './settings.ts';

export type JobMessage = { type: string; description: string };

/** How the work of a job ended. */
export type JobOutcome = {
  status: string;
  messages: JobMessage[];
  results?: Record<string, unknown>;
};

export type SiteJob = {
  jobId: string;
  tools: string;
  task: string;
  user: string;
  privilege: Privilege;
  inputs: Record<string, string>;
  status: string;
  messages: JobMessage[];
  results: Record<string, unknown> | undefined;
  submittedAt: number;
  startedAt: number | undefined;
  endedAt: number | undefined;
  isFinal: boolean;
  isForeign: boolean;
  isForgotten: boolean;
  lastPolledAt: number;
  /** Aborted by a cancel; the work looks at it only as long as it can still be called off. */
  cancel: AbortController;
};

type Work = (job: SiteJob) => Promise<JobOutcome>;
type Waiting = { job: SiteJob; work: Work };

/** How long a job is `Submitted` before the site looks for a free instance. */
const queueingMs = 10;

export const informative = (description: string): JobMessage => ({
  type: 'esriJobMessageTypeInformative',
  description,
});
export const failure = (description: string): JobMessage => ({
  type: 'esriJobMessageTypeError',
  description,
});

/** Text as in job messages: `Tue Jan 06 10:00:01 2026`. */
export function jobTime(ms: number): string {
  const [day, month, date, year, time] = new Date(ms).toString().split(' ');
  return `${day} ${month} ${date} ${time} ${year}`;
}

/**
 * Geoprocessing jobs of the System folder. Each tools service runs as many at a time as it has
 * instances; the others wait in line.
 *
 * @see Esri, "GP Task", "Job"
 */
export class SiteJobs {
  readonly #now: () => number;
  readonly #closing: AbortSignal;
  readonly #slots: (tools: string) => number;
  #jobs: SiteJob[] = [];
  #line: Waiting[] = [];

  constructor(deps: {
    now: () => number;
    closing: AbortSignal;
    slots: (tools: string) => number;
  }) {
    this.#now = deps.now;
    this.#closing = deps.closing;
    this.#slots = deps.slots;
  }

  list(): SiteJob[] {
    return [...this.#jobs];
  }

  find(tools: string, jobId: string): SiteJob | undefined {
    return this.#jobs.find((job) => job.jobId === jobId && job.tools === tools && !job.isForgotten);
  }

  unfinished(): SiteJob[] {
    return this.#jobs.filter((job) => !job.isFinal);
  }

  submit(
    spec: Pick<SiteJob, 'tools' | 'task' | 'user' | 'privilege' | 'inputs'> & {
      isForeign?: boolean;
    },
    work: Work,
  ): SiteJob {
    const job: SiteJob = {
      jobId: `j${randomUUID().replaceAll('-', '')}`,
      status: 'esriJobSubmitted',
      messages: [informative('Submitted.')],
      results: undefined,
      submittedAt: this.#now(),
      startedAt: undefined,
      endedAt: undefined,
      isFinal: false,
      isForeign: false,
      isForgotten: false,
      lastPolledAt: 0,
      cancel: new AbortController(),
      ...spec,
    };
    this.#jobs.push(job);
    pause(queueingMs, this.#closing).then(
      () => {
        this.#line.push({ job, work });
        this.#serve();
      },
      () => {},
    );
    return job;
  }

  /** Esri, "Cancel GP Job". A job that has begun decides by itself whether it can still stop. */
  cancel(job: SiteJob): void {
    if (job.isFinal) return;
    job.cancel.abort(new Error('Cancelled'));
    if (job.startedAt !== undefined) {
      job.status = 'esriJobCancelling';
      return;
    }
    this.#line = this.#line.filter((waiting) => waiting.job !== job);
    this.#end(job, { status: 'esriJobCancelled', messages: [informative('Cancelled.')] });
  }

  /** Jobs that run are called off; what they would still have done to the site does not happen. */
  clear(): void {
    for (const job of this.unfinished()) job.cancel.abort(new Error('The site was reset'));
    this.#jobs = [];
    this.#line = [];
  }

  #serve(): void {
    for (const waiting of [...this.#line]) {
      const { job, work } = waiting;
      if (job.isFinal || job.cancel.signal.aborted) continue;
      if (this.#running(job.tools) >= this.#slots(job.tools)) {
        job.status = 'esriJobWaiting';
        continue;
      }
      this.#line = this.#line.filter((one) => one !== waiting);
      void this.#execute(job, work);
    }
  }

  #running(tools: string): number {
    return this.#jobs.filter(
      (job) => job.tools === tools && job.startedAt !== undefined && !job.isFinal,
    ).length;
  }

  async #execute(job: SiteJob, work: Work): Promise<void> {
    job.startedAt = this.#now();
    job.status = 'esriJobExecuting';
    job.messages.push(
      informative('Executing...'),
      informative(`Start Time: ${jobTime(job.startedAt)}`),
    );
    try {
      this.#end(job, await work(job));
    } catch (error) {
      if (this.#closing.aborted) return;
      if (job.cancel.signal.aborted) {
        this.#end(job, { status: 'esriJobCancelled', messages: [informative('Cancelled.')] });
      } else {
        const { message } = error as Error;
        this.#end(job, { status: 'esriJobFailed', messages: [failure(message)] });
      }
    }
    this.#serve();
  }

  #end(job: SiteJob, { status, messages, results }: JobOutcome): void {
    job.endedAt = this.#now();
    job.status = status;
    job.messages.push(...messages);
    job.results = results;
    job.isFinal = true;
  }
}

/** The last lines of a job that went well. */
export function succeeded(job: SiteJob, now: number): JobMessage {
  const seconds = ((now - (job.startedAt ?? now)) / 1000).toFixed(2);
  return informative(`Succeeded at ${jobTime(now)} (Elapsed Time: ${seconds} seconds)`);
}
