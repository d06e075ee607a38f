import { hasEnded } from '../jobs/job-record.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import type { CallOptions } from '../sites/site-client.ts';
import type { Site } from '../sites/sites.ts';
import { deleteUploadItem, listUploadItems } from '../sites/upload-items.ts';

/** Our marks: of a definition, of the one that it replaced, of a connection file. */
const markPattern = /^pressroom:([0-9a-f-]{36})(?::[a-z]+)?$/;

/**
 * Removes uploads of ours whose job has ended. A job removes its own; but a request that was broken off may be
 * carried out by the site long after, and a connection file holds a password. What has no record here may be
 * another gateway's and is left alone.
 */
export async function sweepUploads(
  site: Site,
  records: Pick<JobRecords, 'findMany'>,
  { signal }: CallOptions = {},
): Promise<string[]> {
  const marked = (await listUploadItems(site, { signal })).flatMap(({ itemId, description }) => {
    const jobId = markPattern.exec(description ?? '')?.[1];
    return jobId === undefined ? [] : [{ itemId, jobId }];
  });
  if (marked.length === 0) return [];
  const found = await records.findMany([...new Set(marked.map(({ jobId }) => jobId))]);
  const ended = new Set(found.filter(hasEnded).map(({ jobId }) => jobId));
  const left = marked.filter(({ jobId }) => ended.has(jobId));
  for (const { itemId } of left) await deleteUploadItem(site, itemId, { signal });
  return left.map(({ itemId }) => itemId);
}
