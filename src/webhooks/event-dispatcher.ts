import type { JobNews } from '../jobs/change-feed.ts';
import type { DeliveryRecords } from '../jobs/delivery-records.ts';
import { type JobQueues, webhookQueue } from '../jobs/job-queue.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import type { WebhookEndpoint, WebhookEndpointRecords } from '../jobs/webhook-endpoint-records.ts';
import { toEventType } from '../jobs/webhook-events.ts';
import type { WebhookConfig } from '../lib/webhook-config.ts';
import {
  type JobSpeech,
  type PlannedDelivery,
  planForEndpoint,
  planForSubscriber,
  wants,
} from './event-deliveries.ts';

export type EventDispatcherDeps = {
  records: JobRecords;
  queues: JobQueues;
  webhookEndpoints: WebhookEndpointRecords;
  deliveries: DeliveryRecords;
  webhooks: WebhookConfig;
  speech: JobSpeech;
};

type Burst = {
  endpointsOf: (owner: string) => Promise<WebhookEndpoint[]>;
  hasSubscriber: (jobId: string) => Promise<boolean>;
};

/** Makes deliveries of news: one for each endpoint of the job's owner that wants it, one for the subscriber. */
export class EventDispatcher {
  readonly #deps: EventDispatcherDeps;

  constructor(deps: EventDispatcherDeps) {
    this.#deps = deps;
  }

  /** For news that come together: who listens to them is read once. */
  openBurst(): Burst {
    const { webhookEndpoints, records } = this.#deps;
    return {
      endpointsOf: once((owner) => webhookEndpoints.findOf(owner)),
      hasSubscriber: once((jobId) => records.hasSubscriber(jobId)),
    };
  }

  /** May be called again with the same news: nothing is told twice for that. */
  async dispatch(news: JobNews, burst: Burst = this.openBurst()): Promise<void> {
    const type = toEventType(news);
    if (type === undefined) return;
    const { records } = this.#deps;
    const endpoints = await burst.endpointsOf(news.owner);
    const listening = endpoints.filter(({ eventTypes }) => eventTypes.includes(type));
    const hasSubscriber = await burst.hasSubscriber(news.jobId);
    if (listening.length === 0 && !hasSubscriber) return;
    const event = { type, news, record: await records.find(news.jobId) };
    const plans = listening
      .filter((endpoint) => wants(endpoint, event))
      .map((endpoint) => planForEndpoint(endpoint, event, this.#speech()));
    const { record } = event;
    const forSubscriber = record && planForSubscriber({ ...event, record }, this.#speech());
    for (const plan of [...plans, ...(forSubscriber ? [forSubscriber] : [])])
      await this.#add(plan, record?.traceparent);
  }

  #speech() {
    return { ...this.#deps.speech, progressMs: this.#deps.webhooks.progressSeconds * 1000 };
  }

  /** The record first: from it on the delivery is owed, and the sweeper queues what was not queued. */
  async #add({ delivery, throttle }: PlannedDelivery, traceparent?: string): Promise<void> {
    const { deliveries, queues, webhooks } = this.#deps;
    const firstPauseMs = (webhooks.scheduleSeconds[0] ?? 0) * 1000;
    const outcome = await deliveries.create(
      { ...delivery, nextAttemptMs: delivery.createdMs + firstPauseMs },
      throttle,
    );
    if (outcome === 'created') {
      await queues.add(webhookQueue, delivery.deliveryId, delivery.event, 0, { traceparent });
    }
  }
}

/** Reads each thing the first time it is asked for. */
function once<T>(read: (id: string) => Promise<T>): (id: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (id) => {
    const reading = known.get(id) ?? read(id);
    known.set(id, reading);
    return reading;
  };
}
