import type { Redis } from 'ioredis';
import type { DeliveryRecords } from '../jobs/delivery-records.ts';
import type { JobQueues } from '../jobs/job-queue.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import type { WebhookEndpointRecords } from '../jobs/webhook-endpoint-records.ts';
import type { Config } from '../lib/config.ts';
import type { EgressPolicy } from '../lib/egress-policy.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { Sealing } from '../lib/sealing.ts';
import type { Tracing } from '../lib/tracing.ts';
import { DeliverySender } from './delivery-sender.ts';
import { DeliverySweeper } from './delivery-sweeper.ts';
import { DeliveryWorker } from './delivery-worker.ts';
import type { JobSpeech } from './event-deliveries.ts';
import { EventDispatcher } from './event-dispatcher.ts';
import { NewsReader } from './news-reader.ts';

export type WebhooksDeps = {
  /** Two patient connections: one that reading blocks, one for all else. Whoever opened them closes them. */
  newsRedis: Redis;
  redis: Redis;
  /** Over `redis`. */
  records: JobRecords;
  queues: JobQueues;
  webhookEndpoints: WebhookEndpointRecords;
  deliveries: DeliveryRecords;
  sealing: Sealing;
  egress: EgressPolicy;
  config: Pick<Config, 'webhooks' | 'queue'>;
  workerId: string;
  speech: JobSpeech;
  log: Log;
  metrics: Metrics;
  tracing: Tracing;
};

export type Webhooks = { close: () => Promise<void> };

/** Begins to make deliveries of news and to send them, beside the jobs and never in their way. */
export function openWebhooks(deps: WebhooksDeps): Webhooks {
  const { records, deliveries, queues, config, log } = deps;
  const { webhooks, queue } = config;
  const common = { ...deps, webhooks };
  const dispatcher = new EventDispatcher(common);
  const reader = new NewsReader({
    redis: deps.newsRedis,
    stream: records.keys.changes,
    consumer: deps.workerId,
    claimAfterMs: webhooks.claimAfterSeconds * 1000,
    openBurst: () => {
      const burst = dispatcher.openBurst();
      return (news) => dispatcher.dispatch(news, burst);
    },
    log,
  });
  const worker = new DeliveryWorker({
    redis: deps.redis,
    keys: records.keys,
    deliveries,
    sender: new DeliverySender(common),
    queue,
    concurrency: webhooks.concurrency,
    tracing: deps.tracing,
    log,
  });
  const sweeper = new DeliverySweeper({
    deliveries,
    queues,
    sweepSeconds: queue.sweepSeconds,
    log,
  });
  reader.open();
  worker.open();
  sweeper.open();
  return {
    close: async () => {
      await reader.close();
      await sweeper.close();
      await worker.close();
    },
  };
}
