import { v5 as deriveId } from 'uuid';
import type { ChildRows } from '../jobs/child-row.ts';
import type { JobRecord } from '../jobs/job-record.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import type { JobSubmission } from '../jobs/job-submission.ts';
import type { JobContext, JobType } from '../jobs/job-type.ts';
import type { Attempt } from './attempt.ts';

type Deps = { records: JobRecords; childRows: ChildRows; submission: JobSubmission };

/** A job of an owner; of one that works on several sites the child on the one that is asked for. */
export async function findJobOf(
  { records, childRows }: Pick<Deps, 'records' | 'childRows'>,
  owner: string,
  { jobId, site }: { jobId: string; site: string },
): Promise<JobRecord | undefined> {
  const found = await records.find(jobId);
  if (found?.owner !== owner) return undefined;
  if (!found.children) return found;
  const rows = await childRows.readAll(jobId);
  const child = rows.find((row) => row.site === site)?.jobID;
  return child === undefined ? undefined : records.find(child);
}

export function createFollowUp(
  { records, submission }: Pick<Deps, 'records' | 'submission'>,
  jobType: JobType,
  { record, attempt }: { record: JobRecord; attempt: Attempt },
): JobContext['followUp'] {
  const jobId = deriveId('follow-up', record.jobId);
  return {
    submit: async (inputs, atMs) => {
      if (await records.find(jobId)) return jobId;
      await attempt.guard();
      const params = jobType.parseParams(inputs);
      const { owner, labels, reference, traceparent } = record;
      await submission.submit(
        jobType,
        {
          jobId,
          owner,
          params,
          uploads: [],
          acceptance: { locks: [], warnings: [] },
          labels,
          atMs,
          ...(reference !== undefined && { reference }),
          ...(traceparent !== undefined && { traceparent }),
        },
        Date.now(),
      );
      return jobId;
    },
    withdraw: async () => {
      const later = await records.find(jobId);
      if (!later) return false;
      return (await submission.dismiss(later)).kind === 'never-began';
    },
  };
}
