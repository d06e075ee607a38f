import type { DeliveryRecords } from '../jobs/delivery-records.ts';
import { type JobQueues, webhookQueue } from '../jobs/job-queue.ts';
import type { Log } from '../lib/log.ts';
import { pause } from '../lib/wait.ts';

export type DeliverySweeperDeps = {
  deliveries: DeliveryRecords;
  queues: JobQueues;
  sweepSeconds: number;
  log: Log;
};

const batch = 500;

/** Queues what is due and is in no queue: a process died between record and queue, or Redis forgot. */
export class DeliverySweeper {
  readonly #deps: DeliverySweeperDeps;
  readonly #closed = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(deps: DeliverySweeperDeps) {
    this.#deps = deps;
  }

  open(): void {
    this.#loop ??= this.#sweepOn();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#loop;
  }

  async sweep(): Promise<void> {
    const { deliveries, sweepSeconds } = this.#deps;
    const overdueMs = Date.now() - sweepSeconds * 1000;
    for (let offset = 0; ; offset += batch) {
      const ids = await deliveries.findDueBefore(overdueMs, offset, batch);
      if (ids.length > 0) await this.#queueMissing(ids);
      if (ids.length < batch) return;
    }
  }

  async #queueMissing(ids: string[]): Promise<void> {
    const { deliveries, queues } = this.#deps;
    const missing = await queues.findMissing(ids.map((jobId) => ({ queue: webhookQueue, jobId })));
    for (const [at, id] of ids.entries()) {
      if (!missing[at]) continue;
      const delivery = await deliveries.find(id);
      if (delivery?.status === 'pending') await queues.add(webhookQueue, id, delivery.event, 0);
      else await deliveries.forgetDue(id);
    }
  }

  async #sweepOn(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        await this.sweep();
      } catch (error) {
        if (!signal.aborted) this.#deps.log.warn({ err: error }, 'Deliveries could not be swept');
      }
      await pause(this.#deps.sweepSeconds * 1000, signal).catch(() => undefined);
    }
  }
}
