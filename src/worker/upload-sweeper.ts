import { hasEnded } from '../jobs/job-record.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import { findSiteJobsOfItem, type SiteJobItems } from '../sites/publishing.ts';
import type { CallOptions } from '../sites/site-client.ts';
import { tellsNothing } from '../sites/site-errors.ts';
import type { Site } from '../sites/sites.ts';
import { deleteUploadItem, listUploadItems } from '../sites/upload-items.ts';

/** Our marks: of a definition, of the one that it replaced, of a connection file. */
const markPattern = /^pressroom:([0-9a-f-]{36})(?::[a-z]+)?$/;

export type SweepDeps = {
  records: Pick<JobRecords, 'findMany'>;
  siteJobItems?: SiteJobItems;
};

/**
 * Removes uploads of ours whose job has ended. A job removes its own; but a request that was broken off may be
 * carried out by the site long after, and a connection file holds a password. What has no record here may be
 * another gateway's and is left alone.
 */
export async function sweepUploads(
  site: Site,
  { records, siteJobItems: known }: SweepDeps,
  { signal }: CallOptions = {},
): Promise<string[]> {
  const marked = (await listUploadItems(site, { signal })).flatMap(({ itemId, description }) => {
    const jobId = markPattern.exec(description ?? '')?.[1];
    return jobId === undefined ? [] : [{ itemId, jobId }];
  });
  if (marked.length === 0) return [];
  const found = await records.findMany([...new Set(marked.map(({ jobId }) => jobId))]);
  const ended = new Set(found.filter(hasEnded).map(({ jobId }) => jobId));
  const removed: string[] = [];
  for (const { itemId, jobId } of marked) {
    if (!ended.has(jobId) || (await isInUse(site, itemId, { known, signal }))) continue;
    try {
      await deleteUploadItem(site, itemId, { signal });
      removed.push(itemId);
    } catch (error) {
      if (!tellsNothing(error)) throw error; // this one stays; others do not have to
    }
  }
  return removed;
}

/** A job that was given up may have left its site job at work, perhaps one that puts an old service back. */
async function isInUse(
  site: Site,
  itemId: string,
  options: CallOptions & { known: SiteJobItems | undefined },
): Promise<boolean> {
  const search = await findSiteJobsOfItem(site, itemId, options);
  return search.kind === 'found' && search.siteJobs.some(({ isFinal }) => !isFinal);
}
