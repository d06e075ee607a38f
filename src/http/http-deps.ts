import type { Redis } from 'ioredis';
import type { DocumentReader } from '../documents/document-reader.ts';
import type { ChangeFeed } from '../jobs/change-feed.ts';
import type { IdempotencyRecords } from '../jobs/idempotency.ts';
import type { JobList } from '../jobs/job-list.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import type { JobSubmission } from '../jobs/job-submission.ts';
import type { JobType } from '../jobs/job-type.ts';
import type { SiteRecords } from '../jobs/site-records.ts';
import type { UploadRecords } from '../jobs/upload-records.ts';
import type { ApiKeyConfig, Config, SiteConfig } from '../lib/config.ts';
import type { Log } from '../lib/log.ts';
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
  list: JobList;
  submission: JobSubmission;
  idempotency: IdempotencyRecords;
  uploads: UploadRecords;
  siteRecords: SiteRecords;
  sites: Sites;
  storage: FolderStorage;
  documents: DocumentReader;
  feed: ChangeFeed;
  jobTypes: readonly JobType[];
  apiKeys: () => ApiKeyConfig[];
  siteConfigs: () => Record<string, SiteConfig>;
  isDraining: () => boolean;
};
