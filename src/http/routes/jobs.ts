import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { JobFilter } from '../../jobs/job-list.ts';
import { JobStatus } from '../../jobs/job-record.ts';
import { hasScope, jobReadingScopes } from '../caller.ts';
import type { HttpDeps } from '../http-deps.ts';
import { jsonLink, Link } from '../links.ts';
import { operation } from '../operation.ts';
import {
  Count,
  capped,
  Limit,
  oneOf,
  parseInterval,
  toValues,
  ValueList,
} from '../query-values.ts';
import { StatusInfo, toStatusInfo } from '../status-info.ts';

const seconds = Count.optional();

const JobQuery = z.strictObject({
  status: ValueList.optional().describe('Any of these statuses'),
  processID: ValueList.optional().describe('Jobs of any of these processes'),
  type: ValueList.optional().describe('Only `process` is defined'),
  site: ValueList.optional().describe('Jobs on any of these sites'),
  label: ValueList.optional().describe('Jobs with any of these labels'),
  reference: ValueList.optional().describe('Jobs with any of these references'),
  parent: ValueList.optional().describe('Children of any of these jobs'),
  datetime: z
    .string()
    .optional()
    .describe(
      'When the job was made: a time, or two with a slash, `..` for an open end (RFC 3339)',
    ),
  minDuration: seconds.describe('Jobs that ran at least this many seconds'),
  maxDuration: seconds.describe('Jobs that ran at most this many seconds'),
  limit: Limit,
  cursor: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe('Where to go on: take it from the link `next`'),
});
type JobQuery = z.output<typeof JobQuery>;

const JobPage = z
  .object({ jobs: z.array(StatusInfo), links: z.array(Link) })
  .meta({ id: 'JobPage' });

export async function jobListRoutes(
  app: FastifyInstance,
  { list }: Pick<HttpDeps, 'list'>,
): Promise<void> {
  const described = operation({
    operationId: 'listJobs',
    tag: 'jobs',
    summary: 'List jobs',
    description:
      'Your own jobs, newest first; those of all callers with the scope `jobs:read:all`.',
    scopes: jobReadingScopes,
    query: JobQuery,
    answers: { 200: { description: 'A page of jobs', schema: JobPage, headers: ['Link'] } },
    problems: [400, 401, 403, 406, 500, 503],
  });
  app.get('/jobs', described, async (request, reply) => {
    const query = request.query as JobQuery;
    const page = await list.read(toFilter(query, request), capped(query.limit), query.cursor);
    const links = [
      jsonLink('self', request.root + request.url),
      ...toNextLinks(page.nextCursor, request, reply),
    ];
    return { jobs: page.jobs.map((job) => toStatusInfo(job, request.root)), links };
  });
}

function toFilter(query: JobQuery, { caller }: FastifyRequest): JobFilter {
  oneOf('type', toValues(query.type), ['process']);
  const { fromMs, toMs } = query.datetime === undefined ? {} : parseInterval(query.datetime);
  const wanted = {
    owner: hasScope(caller, 'jobs:read:all') ? undefined : caller.id,
    status: oneOf('status', toValues(query.status), JobStatus.options),
    processID: toValues(query.processID),
    site: toValues(query.site),
    label: toValues(query.label),
    reference: toValues(query.reference),
    parent: toValues(query.parent),
    createdFromMs: fromMs,
    createdToMs: toMs,
    minDurationMs: toMilliseconds(query.minDuration),
    maxDurationMs: toMilliseconds(query.maxDuration),
  };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
}

function toMilliseconds(duration: number | undefined): number | undefined {
  return duration === undefined ? undefined : duration * 1_000;
}

function toNextLinks(
  cursor: string | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Link[] {
  if (cursor === undefined) return [];
  const [path = '', search = ''] = request.url.split('?');
  const query = new URLSearchParams(search);
  query.set('cursor', cursor);
  const href = `${request.root}${path}?${query}`;
  reply.header('link', `<${href}>; rel="next"`);
  return [jsonLink('next', href)];
}
