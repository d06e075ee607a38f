import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ChildrenResult } from '../../jobs/job-children.ts';
import { hasEnded, isFinal, type JobRecord, type JobSummary } from '../../jobs/job-record.ts';
import type { JobType } from '../../jobs/job-type.ts';
import { RequestError } from '../../lib/errors.ts';
import { jobDismissingScopes, jobReadingScopes, seesJobsOf } from '../caller.ts';
import { readChildren, toNextLink } from '../child-rows.ts';
import { pollAfterSeconds } from '../execution/admit.ts';
import type { WantedResults } from '../execution/job-acceptance.ts';
import type { HttpDeps } from '../http-deps.ts';
import { getJob, getJobSummary, noSuchJob } from '../job-access.ts';
import { JobPath, operation } from '../operation.ts';
import { readOutlook } from '../outlook.ts';
import { sendStoredProblem } from '../plugins/problems.ts';
import { ResultDocument, rawTypes, sendResults } from '../results.ts';
import { type Outlook, StatusInfo, toStatusInfo } from '../status-info.ts';

type Deps = Pick<
  HttpDeps,
  | 'records'
  | 'siteRecords'
  | 'runtimes'
  | 'forecasts'
  | 'childRows'
  | 'locks'
  | 'endedJobs'
  | 'submission'
  | 'jobTypes'
  | 'metrics'
>;

/** How many children the results of a parent tell of themselves. */
const childrenInResults = 1_000;

export async function jobRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  app.get('/jobs/:jobId', readOperation, async (request, reply) => {
    const record = await getJobSummary(request, deps.records);
    return sendStatus(record, { request, reply, outlook: await readOutlook(record, deps) });
  });

  app.delete('/jobs/:jobId', dismissOperation, async (request) => {
    const record = await findOrExplain(request, deps);
    const rest = await dismissOrRemove(record, deps);
    return toStatusInfo(rest, request.root);
  });

  app.get('/jobs/:jobId/results', toResultsOperation(deps.jobTypes), async (request, reply) => {
    const record = await getJob(request, deps.records);
    reply.header('cache-control', 'private, no-cache');
    if (record.status === 'successful') {
      const wanted = (record.response ?? {}) as WantedResults;
      return sendResults(await readResults(record, { request, reply, deps }), wanted, reply);
    }
    if (record.status === 'failed' && record.exception)
      return sendStoredProblem(record.exception, request, reply);
    throw whyNoResults(record);
  });
}

/** Of a parent the table belongs to them; it is kept apart, so that reading the job stays one small read. */
async function readResults(
  record: JobRecord,
  { request, reply, deps }: { request: FastifyRequest; reply: FastifyReply; deps: Deps },
): Promise<Record<string, unknown>> {
  const results = (record.results ?? {}) as Record<string, unknown>;
  if (!record.children) return results;
  const page = { from: 0, limit: childrenInResults, root: request.root };
  const { rows, next } = await readChildren(record, page, deps);
  toNextLink(next, reply);
  return { ...results, children: rows };
}

function sendStatus(
  record: JobSummary,
  { request, reply, outlook }: { request: FastifyRequest; reply: FastifyReply; outlook: Outlook },
): FastifyReply {
  const etag = `W/"${record.rev}${toSuffix(record, outlook)}"`;
  reply.headers({
    etag,
    'cache-control': 'private, no-cache',
    vary: 'Accept, Authorization, X-API-Key',
  });
  if (!hasEnded(record)) reply.header('retry-after', String(pollAfterSeconds));
  if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send();
  return reply.send(toStatusInfo(record, request.root, outlook));
}

/** The place in a line, and which children have begun, change without a new revision of the record. */
function toSuffix({ children }: JobSummary, { waitingFor }: Outlook): string {
  const begun = children ? `-${children.total}.${children.running}` : '';
  if (!waitingFor) return begun;
  const { reason, jobId = '', place = '', until = '', detail = '' } = waitingFor;
  const told = createHash('sha256').update(detail).digest('base64url').slice(0, 8);
  return `${begun}-${[reason, jobId, place, until, told].join('.')}`;
}

/** Weak comparison (RFC 9110, section 13.1.2). */
function matchesEtag(header: string | undefined, etag: string): boolean {
  const bare = (tag: string) => tag.trim().replace(/^W\//, '');
  return header?.split(',').some((tag) => tag.trim() === '*' || bare(tag) === bare(etag)) ?? false;
}

async function findOrExplain(
  request: FastifyRequest,
  { records, endedJobs }: Deps,
): Promise<JobRecord> {
  const { jobId } = request.params as { jobId: string };
  const record = await records.find(jobId);
  if (record && seesJobsOf(request.caller, record.owner)) return record;
  const owner = record ? undefined : await endedJobs.findTombstone(jobId);
  if (owner !== undefined && seesJobsOf(request.caller, owner)) {
    throw new RequestError('gone', 'The job was removed.');
  }
  throw noSuchJob();
}

/** One that has not ended is dismissed, and its record stays; one that has ended is removed. */
async function dismissOrRemove(
  record: JobRecord,
  { records, endedJobs, submission, metrics }: Deps,
): Promise<JobRecord> {
  if (!isFinal(record.status)) {
    const { kind: reason } = await submission.dismiss(record);
    const kind = { processID: record.processID, site: record.site ?? '' };
    if (reason === 'never-began' || reason === 'running')
      metrics.jobsDismissed.inc({ ...kind, reason });
    return (await records.find(record.jobId)) ?? record;
  }
  if (hasEnded(record) && (await endedJobs.forget(record.jobId)) === 'needed') {
    const detail = 'The job is the child of one that has not ended, and stays until then.';
    throw new RequestError('conflict', detail);
  }
  return record;
}

function whyNoResults(record: JobRecord): RequestError {
  if (record.status === 'dismissed') {
    return new RequestError('result_not_available', 'The job was dismissed: it has no results.');
  }
  return new RequestError('result_not_ready', 'The job has not ended.', {
    headers: { 'retry-after': String(pollAfterSeconds) },
  });
}

const readOperation = operation({
  operationId: 'getJob',
  tag: 'jobs',
  summary: 'Read the status of a job',
  description: 'Poll it with `If-None-Match`, and not before `Retry-After` seconds have passed.',
  scopes: jobReadingScopes,
  path: JobPath,
  requestHeaders: ['If-None-Match'],
  answers: {
    200: { description: 'The status', schema: StatusInfo, headers: ['ETag', 'Retry-After'] },
    304: { description: 'Nothing has changed', headers: ['ETag'] },
  },
  problems: [400, 401, 403, 404, 406, 500, 503],
});

const dismissOperation = operation({
  operationId: 'dismissJob',
  tag: 'jobs',
  summary: 'Dismiss or remove a job',
  description:
    'A job that has not ended is dismissed: what it had begun is put back, and `undo` tells how that went. A job that has ended is removed.',
  scopes: jobDismissingScopes,
  path: JobPath,
  answers: { 200: { description: 'The job as it is now, or was', schema: StatusInfo } },
  problems: [400, 401, 403, 404, 406, 409, 410, 500, 503],
});

function toResultsOperation(jobTypes: readonly JobType[]) {
  return operation({
    operationId: 'getResults',
    tag: 'jobs',
    summary: 'Read the results of a job',
    description:
      'Of a successful job its outputs, as the request wanted them; of a failed one the problem.',
    scopes: jobReadingScopes,
    path: JobPath,
    answers: {
      200: {
        description:
          'The outputs of the process; fewer, or bare values, where the request wanted that',
        schema: z.union([...jobTypes.map(({ result }) => result), ChildrenResult, ResultDocument]),
        textTypes: rawTypes,
        headers: ['Link'],
      },
    },
    problems: [400, 401, 403, 404, 406, 409, 500, 502, 503, 504],
    produces: ['*/*'],
  });
}
