import type { Metrics } from '../lib/metrics.ts';
import type { DeliveryRecords } from './delivery-records.ts';
import { type JobQueues, queueNameOf, webhookQueue } from './job-queue.ts';
import type { JobRecords } from './job-records.ts';
import type { SiteRecords } from './site-records.ts';
import type { WebhookEndpointRecords } from './webhook-endpoint-records.ts';

export type ScrapedGaugesDeps = {
  queues: JobQueues;
  records: JobRecords;
  siteRecords: SiteRecords;
  deliveries: DeliveryRecords;
  webhookEndpoints: WebhookEndpointRecords;
  siteNames: () => string[];
  /** Who may own endpoints. */
  owners: () => string[];
};

/** What Redis knows of queues, sites and deliveries, read whenever somebody asks for metrics. */
export function scrapeGauges(metrics: Metrics, deps: ScrapedGaugesDeps): void {
  metrics.onScrape({
    read: () => readQueues(metrics, deps),
    forget: () => {
      metrics.queueJobs.reset();
      metrics.queueOldest.reset();
      metrics.siteConcurrency.reset();
    },
  });
  metrics.onScrape({
    read: () => readSites(metrics, deps),
    forget: () => {
      metrics.siteUp.reset();
      metrics.siteRead.reset();
      metrics.siteClosed.reset();
      metrics.siteSlots.reset();
    },
  });
  metrics.onScrape({
    read: () => readWebhooks(metrics, deps),
    forget: () => {
      metrics.webhookBacklog.remove();
      metrics.webhooksDisabled.remove();
    },
  });
}

async function readQueues(
  { queueJobs, queueOldest, siteConcurrency }: Metrics,
  { queues, records, deliveries, siteNames }: ScrapedGaugesDeps,
): Promise<() => void> {
  const ofJobs = [
    { queue: queueNameOf(undefined), site: undefined },
    ...siteNames().map((site) => ({ queue: queueNameOf(site), site })),
  ];
  const [seen, forWebhooks, { firstDueMs }] = await Promise.all([
    Promise.all(
      ofJobs.map(async ({ queue, site }) => ({
        queue,
        site,
        counts: await queues.count(queue),
        oldestMs: await records.readOldestWaiting(queue),
      })),
    ),
    queues.count(webhookQueue),
    deliveries.readBacklog(),
  ]);
  const all = [...seen, { queue: webhookQueue, counts: forWebhooks, oldestMs: firstDueMs }];
  return () => {
    for (const { queue, counts, oldestMs } of all) {
      for (const [state, count] of Object.entries(counts)) queueJobs.set({ queue, state }, count);
      const waitedMs = oldestMs === undefined ? 0 : Math.max(0, Date.now() - oldestMs);
      queueOldest.set({ queue }, waitedMs / 1000);
    }
    for (const { site, counts } of seen)
      if (site !== undefined) siteConcurrency.set({ site }, counts.active ?? 0);
  };
}

async function readSites(
  { siteUp, siteRead, siteClosed, siteSlots }: Metrics,
  { siteRecords, siteNames }: ScrapedGaugesDeps,
): Promise<() => void> {
  const seen = await Promise.all(
    siteNames().map(async (site) => ({
      site,
      record: await siteRecords.find(site),
      closed: await siteRecords.findClosed(site),
    })),
  );
  return () => {
    for (const { site, record, closed } of seen) {
      siteClosed.set({ site }, closed ? 1 : 0);
      if (!record) continue; // nobody has looked at it yet
      siteUp.set({ site }, record.health === 'up' ? 1 : 0);
      siteRead.set({ site }, Date.parse(record.readAt) / 1000);
      siteSlots.set({ site }, record.slots);
    }
  };
}

async function readWebhooks(
  { webhookBacklog, webhooksDisabled }: Metrics,
  { deliveries, webhookEndpoints, owners }: ScrapedGaugesDeps,
): Promise<() => void> {
  const [{ count }, endpoints] = await Promise.all([
    deliveries.readBacklog(),
    Promise.all(owners().map((owner) => webhookEndpoints.findOf(owner))),
  ]);
  const disabled = endpoints.flat().filter(({ disabledMs }) => disabledMs !== undefined);
  return () => {
    webhookBacklog.set(count);
    webhooksDisabled.set(disabled.length);
  };
}
