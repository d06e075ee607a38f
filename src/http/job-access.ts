import type { FastifyRequest } from 'fastify';
import type { JobRecord, JobSummary } from '../jobs/job-record.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import { RequestError } from '../lib/errors.ts';
import { seesJobsOf } from './caller.ts';

/** @throws RequestError no_such_job, the same for a job of somebody else as for one that never was */
export async function getJob(request: FastifyRequest, records: JobRecords): Promise<JobRecord> {
  const { jobId } = request.params as { jobId: string };
  const record = await records.find(jobId);
  if (record && seesJobsOf(request.caller, record.owner)) return record;
  throw noSuchJob();
}

/** Enough to show how it stands. @throws RequestError no_such_job */
export async function getJobSummary(
  request: FastifyRequest,
  records: JobRecords,
): Promise<JobSummary> {
  const { jobId } = request.params as { jobId: string };
  const summary = await records.findSummary(jobId);
  if (summary && seesJobsOf(request.caller, summary.owner)) return summary;
  throw noSuchJob();
}

export function noSuchJob(): RequestError {
  return new RequestError('no_such_job', 'There is no job with this id.');
}
