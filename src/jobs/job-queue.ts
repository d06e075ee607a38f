import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { type Tracing, tracingOff } from '../lib/tracing.ts';
import type { JobKeys } from './job-keys.ts';

/** The queue that a job waits in: one per site, and one for what touches no site. */
export function queueNameOf(site: string | undefined): string {
  return site === undefined ? 'here' : `site-${site}`;
}

/** The queue of the workers whose ArcPy is alike. */
export function arcpyQueueNameOf(pool: string): string {
  return `arcpy-${pool}`;
}

/** Where deliveries wait: apart from all jobs, so that a receiver that is dead delays none of them. */
export const webhookQueue = 'webhooks';

/** BullMQ knows only that a job has work to be moved; all that it means stands in our record. */
export const bullJobOptions = {
  removeOnComplete: true,
  removeOnFail: true,
  // Only a fault of ours or of Redis makes BullMQ repeat: jobs end in their record.
  attempts: 1_000_000,
  backoff: { type: 'fixed', delay: 1_000 },
} as const;

/** The queues, opened as they are needed. Adding is refused at once while Redis is away. */
export class JobQueues {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #tracing: Tracing;
  readonly #queues = new Map<string, Queue>();

  constructor(redis: Redis, keys: JobKeys, tracing: Tracing = tracingOff) {
    this.#redis = redis;
    this.#prefix = keys.bull;
    this.#tracing = tracing;
  }

  /** Whoever adds a job has to do it here, so that its trace goes along. */
  get carriesTraces(): boolean {
    return this.#tracing.queueTelemetry !== undefined;
  }

  /**
   * Adding a job that is there already changes nothing.
   * @param options.traceparent of the trace that it belongs to, where that is not the active one
   * @param options.atMs when it may begin, in epoch milliseconds
   */
  async add(
    queueName: string,
    jobId: string,
    processID: string,
    priority: number,
    { traceparent, atMs = 0 }: { traceparent?: string | undefined; atMs?: number | undefined } = {},
  ): Promise<void> {
    const delay = Math.max(0, atMs - Date.now());
    const options = { ...bullJobOptions, jobId, priority, ...(delay > 0 && { delay }) };
    await this.#tracing.continuing(traceparent, () =>
      this.#queue(queueName).add(processID, { jobId }, options),
    );
  }

  /** Another priority for a job that nobody works on. */
  async prioritize(queueName: string, jobId: string, priority: number): Promise<void> {
    const job = await this.#queue(queueName).getJob(jobId);
    await job?.changePriority({ priority }).catch(() => undefined); // gone meanwhile: its record has the number
  }

  /** Which of these jobs BullMQ does not have: in order, one answer each. */
  async findMissing(jobs: { queue: string; jobId: string }[]): Promise<boolean[]> {
    const pipeline = this.#redis.pipeline();
    for (const { queue, jobId } of jobs) pipeline.exists(`${this.#prefix}:${queue}:${jobId}`);
    const replies = (await pipeline.exec()) ?? [];
    return replies.map(([error, count]) => error === null && count === 0);
  }

  /** Lets a delayed job go on now. One that is not delayed goes on by itself. */
  async promote(queueName: string, jobId: string): Promise<void> {
    const job = await this.#queue(queueName).getJob(jobId);
    if (job && (await job.isDelayed())) await job.promote().catch(() => undefined); // it went by itself meanwhile
  }

  /** Lets every delayed job of a queue look again whether it may go on. */
  async promoteAll(queueName: string): Promise<void> {
    await this.#queue(queueName).promoteJobs();
  }

  /** Takes out a job that nobody works on; one that is being worked on stays. */
  async remove(queueName: string, jobId: string): Promise<void> {
    await this.#queue(queueName)
      .remove(jobId)
      .catch(() => undefined); // locked by a worker: it sees for itself that the job has ended
  }

  async limitTo(queueName: string, slots: number): Promise<void> {
    await this.#queue(queueName).setGlobalConcurrency(slots);
  }

  async count(queueName: string): Promise<Record<string, number>> {
    return this.#queue(queueName).getJobCounts('active', 'waiting', 'delayed', 'prioritized');
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#queues.values()].map((queue) => queue.close().catch(() => undefined)),
    );
    this.#queues.clear();
  }

  #queue(name: string): Queue {
    const known = this.#queues.get(name);
    if (known) return known;
    const queue = new Queue(name, {
      connection: this.#redis,
      prefix: this.#prefix,
      skipWaitingForReady: true,
      defaultJobOptions: bullJobOptions,
      ...(this.#tracing.queueTelemetry && { telemetry: this.#tracing.queueTelemetry }),
    });
    queue.on('error', () => {}); // each call says so itself
    this.#queues.set(name, queue);
    return queue;
  }
}
