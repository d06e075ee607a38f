import type { Redis } from 'ioredis';
import type { DocumentReader } from '../documents/document-reader.ts';
import type { ChangeFeed } from '../jobs/change-feed.ts';
import type { ChildRows } from '../jobs/child-row.ts';
import type { DataStoreValidations } from '../jobs/data-store-validations.ts';
import type { DeliveryRecords } from '../jobs/delivery-records.ts';
import type { EndedJobs } from '../jobs/ended-jobs.ts';
import type { IdempotencyRecords } from '../jobs/idempotency.ts';
import type { JobEvents } from '../jobs/job-events.ts';
import type { JobForecasts } from '../jobs/job-forecasts.ts';
import type { JobList } from '../jobs/job-list.ts';
import type { JobLocks } from '../jobs/job-locks.ts';
import type { JobQueues } from '../jobs/job-queue.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import type { JobSubmission } from '../jobs/job-submission.ts';
import type { JobType } from '../jobs/job-type.ts';
import type { PublishLedger } from '../jobs/publish-ledger.ts';
import type { RuntimeRecords } from '../jobs/runtime-records.ts';
import type { SiteRecords } from '../jobs/site-records.ts';
import type { UploadRecords } from '../jobs/upload-records.ts';
import type { WebhookEndpointRecords } from '../jobs/webhook-endpoint-records.ts';
import type { ApiKeyConfig } from '../lib/api-key-config.ts';
import type { Config } from '../lib/config.ts';
import type { EgressPolicy } from '../lib/egress-policy.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { Sealing } from '../lib/sealing.ts';
import type { SiteConfig } from '../lib/site-config.ts';
import type { Tracing } from '../lib/tracing.ts';
import type { Sites } from '../sites/sites.ts';
import type { FolderStorage } from '../storage/folder-storage.ts';

/** All that the API reaches; `bin` opens it and closes it. */
export type HttpDeps = {
  http: Config['http'];
  uploadsConfig: Config['uploads'];
  /** Root of all links, without a trailing slash; empty: as the request itself names us. */
  publicUrl: () => string;
  log: Log;
  /** An impatient connection, for asking whether Redis is there. */
  redis: Redis;
  records: JobRecords;
  locks: JobLocks;
  endedJobs: EndedJobs;
  list: JobList;
  childRows: ChildRows;
  forecasts: JobForecasts;
  events: JobEvents;
  submission: JobSubmission;
  idempotency: IdempotencyRecords;
  uploads: UploadRecords;
  queues: JobQueues;
  webhookEndpoints: WebhookEndpointRecords;
  deliveries: DeliveryRecords;
  sealing: Sealing;
  validations: DataStoreValidations;
  ledger: PublishLedger;
  /** Which addresses that callers name may be called. */
  egress: EgressPolicy;
  siteRecords: SiteRecords;
  runtimes: RuntimeRecords;
  sites: Sites;
  storage: FolderStorage;
  documents: DocumentReader;
  feed: ChangeFeed;
  jobTypes: readonly JobType[];
  apiKeys: () => ApiKeyConfig[];
  siteConfigs: () => Record<string, SiteConfig>;
  /** Names of the secrets that requests may name. */
  secretNames: () => readonly string[];
  isDraining: () => boolean;
  metrics: Metrics;
  tracing: Tracing;
};
