import type { Redis } from 'ioredis';
import { ChildRows } from '../jobs/child-row.ts';
import { DataStoreValidations } from '../jobs/data-store-validations.ts';
import { DeliveryRecords } from '../jobs/delivery-records.ts';
import { EndedJobs } from '../jobs/ended-jobs.ts';
import { FolderUses } from '../jobs/folder-uses.ts';
import { IdempotencyRecords } from '../jobs/idempotency.ts';
import { JobEvents } from '../jobs/job-events.ts';
import { JobForecasts } from '../jobs/job-forecasts.ts';
import { JobIntake } from '../jobs/job-intake.ts';
import { JobList } from '../jobs/job-list.ts';
import { JobLocks } from '../jobs/job-locks.ts';
import { JobQueues } from '../jobs/job-queue.ts';
import { JobRecords } from '../jobs/job-records.ts';
import { JobSubmission } from '../jobs/job-submission.ts';
import { PublishLedger } from '../jobs/publish-ledger.ts';
import { RuntimeRecords } from '../jobs/runtime-records.ts';
import { KnownSiteJobItems } from '../jobs/site-job-items.ts';
import { SiteJobTimes } from '../jobs/site-job-times.ts';
import { SiteRecords } from '../jobs/site-records.ts';
import { SiteTroubles } from '../jobs/site-troubles.ts';
import { UploadRecords } from '../jobs/upload-records.ts';
import { WebhookEndpointRecords } from '../jobs/webhook-endpoint-records.ts';
import type { Config } from '../lib/config.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import { type Tracing, tracingOff } from '../lib/tracing.ts';

/** How long a repetition with the same Idempotency-Key is answered with the first job. */
const idempotencyHours = 24;

/** Everything that http and worker know of jobs, over one connection to Redis. */
export function createCore(
  redis: Redis,
  config: Config,
  log: Log,
  { tracing = tracingOff, metrics }: { tracing?: Tracing; metrics?: Metrics } = {},
) {
  const records = new JobRecords(redis, {
    prefix: config.redis.prefix,
    failedUploadDays: config.retention.failedUploadDays,
  });
  const intake = new JobIntake(redis, records.keys, config.retention);
  const queues = new JobQueues(redis, records.keys, tracing);
  const submission = new JobSubmission(
    { records, intake, queues, log },
    {
      jobDeadlineHours: config.queue.jobDeadlineHours,
      idempotencyHours,
      ...(metrics && { metrics }),
    },
  );
  const siteRecords = new SiteRecords(redis, records.keys);
  return {
    records,
    locks: new JobLocks(redis, records.keys),
    endedJobs: new EndedJobs(redis, records.keys),
    queues,
    submission,
    childRows: new ChildRows(redis, records.keys),
    list: new JobList(redis, records),
    events: new JobEvents(redis, records.keys),
    idempotency: new IdempotencyRecords(redis, records.keys),
    uploads: new UploadRecords(redis, records.keys),
    ledger: new PublishLedger(redis, records.keys, {
      keepVersions: config.retention.ledgerVersions,
      keepDays: config.retention.ledgerDays,
    }),
    runtimes: new RuntimeRecords(redis, records.keys),
    siteRecords,
    forecasts: new JobForecasts(redis, records.keys, siteRecords),
    siteTroubles: new SiteTroubles(redis, records.keys, siteRecords),
    webhookEndpoints: new WebhookEndpointRecords(redis, records.keys),
    deliveries: new DeliveryRecords(redis, records.keys, config.webhooks),
    folderUses: new FolderUses(redis, records.keys),
    siteJobTimes: new SiteJobTimes(redis, records.keys),
    siteJobItems: new KnownSiteJobItems(redis, records.keys),
    validations: new DataStoreValidations(redis, records.keys),
  };
}
