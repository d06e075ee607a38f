import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { lastPriority } from '../../jobs/submit-script.ts';
import { RequestError } from '../../lib/errors.ts';
import { prioritizingScopes } from '../caller.ts';
import { toFaults } from '../execution/execute-request.ts';
import type { HttpDeps } from '../http-deps.ts';
import { getJob } from '../job-access.ts';
import { JobPath, operation } from '../operation.ts';
import { readOutlook } from '../outlook.ts';
import { StatusInfo, toStatusInfo } from '../status-info.ts';

const JobChangeRequest = z
  .strictObject({
    priority: z
      .int()
      .min(1)
      .max(lastPriority)
      .describe(
        'The lowest goes first. Of a parent it is given to its children that have not begun',
      ),
  })
  .meta({ id: 'JobChangeRequest' });

type Deps = Pick<
  HttpDeps,
  | 'records'
  | 'locks'
  | 'childRows'
  | 'submission'
  | 'siteRecords'
  | 'forecasts'
  | 'runtimes'
  | 'jobTypes'
>;

export async function jobPriorityRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  const described = operation({
    operationId: 'changeJob',
    tag: 'jobs',
    summary: 'Change the priority of a job that waits',
    description:
      'A job goes behind those that its owner has open in the same queue. This puts it elsewhere; jobs on one service still go in order of acceptance.',
    scopes: prioritizingScopes,
    path: JobPath,
    body: {
      isRequired: true,
      description: 'What shall be different',
      content: { 'application/json': { schema: JobChangeRequest, example: { priority: 1 } } },
    },
    answers: { 200: { description: 'The job as it is now', schema: StatusInfo } },
    problems: [400, 401, 403, 404, 406, 409, 413, 415, 500, 503],
  });
  app.patch('/jobs/:jobId', described, async (request) => {
    const { data: change, error } = JobChangeRequest.safeParse(request.body);
    if (error) {
      const errors = toFaults(error);
      throw new RequestError('validation_error', 'The body is not a change of a job.', { errors });
    }
    const record = await getJob(request, deps.records);
    if (!(await deps.submission.prioritize(record, change.priority))) {
      throw new RequestError('conflict', 'The job waits for no turn any more: it has begun.');
    }
    const now = (await deps.records.find(record.jobId)) ?? record;
    return toStatusInfo(now, request.root, await readOutlook(now, deps));
  });
}
