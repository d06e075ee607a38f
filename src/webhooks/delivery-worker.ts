import { DelayedError, type Job, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Delivery, DeliveryRecords } from '../jobs/delivery-records.ts';
import type { JobKeys } from '../jobs/job-keys.ts';
import { webhookQueue } from '../jobs/job-queue.ts';
import type { Config } from '../lib/config.ts';
import type { Log } from '../lib/log.ts';
import type { Tracing } from '../lib/tracing.ts';
import { withJitter } from '../lib/wait.ts';
import type { DeliverySender } from './delivery-sender.ts';

export type DeliveryWorkerDeps = {
  /** A patient connection that no other part of the worker waits for. */
  redis: Redis;
  keys: JobKeys;
  deliveries: DeliveryRecords;
  sender: DeliverySender;
  queue: Config['queue'];
  concurrency: number;
  tracing: Tracing;
  log: Log;
};

/** How many deliveries one receiver may keep busy: one that hangs leaves room for the others. */
const mostPerReceiver = 4;
const busyReceiverMs = 2_000;

/** Takes deliveries off their queue when they are due. */
export class DeliveryWorker {
  readonly #deps: DeliveryWorkerDeps;
  readonly #closed = new AbortController();
  readonly #underWay = new Map<string, number>();
  #worker: Worker | undefined;

  constructor(deps: DeliveryWorkerDeps) {
    this.#deps = deps;
  }

  open(): void {
    const { redis, keys, queue, concurrency, tracing, log } = this.#deps;
    this.#worker = new Worker(webhookQueue, (job, token) => this.#process(job, token ?? ''), {
      connection: redis,
      prefix: keys.bull,
      concurrency,
      lockDuration: queue.lockSeconds * 1000,
      stalledInterval: queue.stalledCheckSeconds * 1000,
      maxStalledCount: 1_000_000, // a delivery whose worker died is simply made again
      drainDelay: 5,
      runRetryDelay: 1_000,
      ...(tracing.queueTelemetry && { telemetry: tracing.queueTelemetry }),
    });
    this.#worker.on('error', (error) => log.warn({ err: error }, 'Trouble with the webhook queue'));
  }

  /** What is under way is broken off; another worker sends it again under the same id. */
  async close(): Promise<void> {
    this.#closed.abort(new Error('The worker is stopping'));
    await this.#worker?.close();
  }

  async #process(job: Job, token: string): Promise<void> {
    const delivery = await this.#deps.deliveries.find(String(job.id));
    if (delivery?.status !== 'pending') return;
    const { nextAttemptMs = 0 } = delivery;
    if (nextAttemptMs > Date.now()) return delay(job, token, nextAttemptMs);
    const receiver = toReceiver(delivery);
    const busy = this.#underWay.get(receiver) ?? 0;
    if (busy >= mostPerReceiver) return delay(job, token, Date.now() + withJitter(busyReceiverMs));
    this.#underWay.set(receiver, busy + 1);
    try {
      const next = await this.#deps.sender.attempt(delivery, this.#closed.signal);
      if (next !== undefined) await delay(job, token, next);
    } catch (error) {
      if (!this.#closed.signal.aborted || error instanceof DelayedError) throw error;
      await job.moveToWait(token);
      throw new WaitingError();
    } finally {
      this.#leave(receiver);
    }
  }

  #leave(receiver: string): void {
    const left = (this.#underWay.get(receiver) ?? 1) - 1;
    if (left > 0) this.#underWay.set(receiver, left);
    else this.#underWay.delete(receiver);
  }
}

function toReceiver({ url }: Delivery): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

async function delay(job: Job, token: string, untilMs: number): Promise<never> {
  await job.moveToDelayed(Math.max(Math.ceil(untilMs), Date.now() + 1), token);
  throw new DelayedError();
}
