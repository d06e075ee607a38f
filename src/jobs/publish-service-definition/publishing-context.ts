import { z } from 'zod';
import type { DocumentReader } from '../../documents/document-reader.ts';
import type { ServiceDefinitionContent } from '../../documents/service-definition.ts';
import type { SiteJobItems } from '../../sites/publishing.ts';
import { publishingToolsNames } from '../../sites/publishing-tools.ts';
import type { ServiceTarget } from '../../sites/service-target.ts';
import type { Site } from '../../sites/sites.ts';
import { type FolderStorage, scratch } from '../../storage/folder-storage.ts';
import type { FolderUses } from '../folder-uses.ts';
import type { PublishLedger } from '../publish-ledger.ts';
import type { SiteJobTimes } from '../site-job-times.ts';
import type { UploadRecord, UploadRecords } from '../upload-records.ts';
import { ReferencedData } from './registered-data.ts';
import type { PublishServiceDefinitionParams } from './schema.ts';
import type { ServiceSettings } from './service-settings.ts';

/** What every step of this recipe works on. */
export type Publishing = {
  jobId: string;
  owner: string;
  site: Site;
  params: PublishServiceDefinitionParams;
  upload: UploadRecord;
  definition: ServiceDefinitionContent;
  /** The service as it was asked for; the site may write its name in another case. */
  wanted: ServiceTarget;
  storage: FolderStorage;
  documents: DocumentReader;
  uploads: UploadRecords;
  ledger: PublishLedger;
  folderUses: FolderUses;
  siteJobTimes: SiteJobTimes;
  siteJobItems: SiteJobItems;
  /** What the settings of the service came to in this attempt, by upload item. They may hold secrets: never recorded. */
  composed: Map<string, ServiceSettings>;
  warn: (text: string) => Promise<void>;
  /** The version that is published again. */
  rollbackOf?: number;
};

const Target = z.object({ folder: z.string(), serviceName: z.string(), type: z.string() });
const NamedLayer = z.object({ id: z.number(), name: z.string() });

/** A service before it is replaced, as far as decisions hang on it. Its full picture lies in storage. */
export const LiveService = z.object({
  configuredState: z.string(),
  realTimeState: z.string(),
  lastModifiedMs: z.number().optional(),
  restorable: z.enum(['full', 'settings-only']),
  /** The upload that made it, where Pressroom holds it. */
  madeByUpload: z.string().optional(),
  madeByVersion: z.number().optional(),
  isSameDefinition: z.boolean(),
  layers: z.array(NamedLayer),
  portalItemIds: z.array(z.string()),
  settingsDigest: z.string(),
});
export type LiveService = z.output<typeof LiveService>;

/** What the first step found and decided. It is not decided again when the job is resumed. */
export const Decision = z.object({
  action: z.enum(['create', 'replace', 'skip']),
  target: Target,
  /** Whether the target's folder was there, and is written here as the site writes it. */
  hasFolder: z.boolean().optional(),
  /** How a definition replaces: as it was staged, with its type rewritten, or named in the override. */
  method: z.enum(['as-staged', 'manifest', 'overwrite']),
  tools: z.object({
    name: z.enum(publishingToolsNames),
    maxUsageTimeSeconds: z.number(),
  }),
  live: LiveService.optional(),
  account: z.string().optional(),
  privilege: z.string().optional(),
  version: z.string().optional(),
  isFederated: z.boolean(),
  isDataCopyBlocked: z.boolean().optional(),
  /** Absent where our account may not see what is registered. */
  referencedData: z.array(ReferencedData).optional(),
  /** The site's clock minus ours. */
  clockDifferenceMs: z.number(),
});
export type Decision = z.output<typeof Decision>;

/** Marks everything that a job leaves on a site for a while, so that it is found again. */
export function describedAs(jobId: string): string {
  return `pressroom:${jobId}`;
}

/** Begins the keys of all files that attempts of a job make on the way; a killed one leaves its file. */
export function scratchKey(jobId: string): string {
  return `${scratch}/${jobId}-`;
}

export const snapshotFolder = 'snapshots';

export function snapshotKey(jobId: string): string {
  return `${snapshotFolder}/${jobId}.json`;
}

/** What a job keeps in storage while it runs; halves that a killed attempt left are among it. */
export async function removeFilesOf(
  jobId: string,
  storage: Pick<FolderStorage, 'deleteBeginning'>,
): Promise<void> {
  await storage.deleteBeginning(scratchKey(jobId));
  await storage.deleteBeginning(snapshotKey(jobId));
}
