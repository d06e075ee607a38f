import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { JobLogEntry } from '../../jobs/job-log.ts';
import { jobReadingScopes } from '../caller.ts';
import type { HttpDeps } from '../http-deps.ts';
import { getJob } from '../job-access.ts';
import { jobUrl, jsonLink, Link } from '../links.ts';
import { JobPath, operation } from '../operation.ts';
import { capped, Limit } from '../query-values.ts';

const LogQuery = z.strictObject({
  limit: Limit.default(100),
  after: z
    .string()
    .regex(/^\d{1,20}-\d{1,20}$/, 'an id of an entry')
    .optional()
    .describe('Only entries after this one: an `id`'),
});

const JobLogPage = z
  .object({
    entries: z.array(JobLogEntry.extend({ id: z.string().describe('Of the entry, for `after`') })),
    links: z.array(Link),
  })
  .meta({ id: 'JobLogPage' });

export async function jobLogRoutes(
  app: FastifyInstance,
  { records, events }: Pick<HttpDeps, 'records' | 'events'>,
): Promise<void> {
  const described = operation({
    operationId: 'getJobLog',
    tag: 'jobs',
    summary: 'Read the messages of a job',
    description:
      'Oldest first, each with its time, step and source: Pressroom, the site job, or the log of the site.',
    scopes: jobReadingScopes,
    path: JobPath,
    query: LogQuery,
    answers: { 200: { description: 'A page of messages', schema: JobLogPage } },
    problems: [400, 401, 403, 404, 406, 500, 503],
  });
  app.get('/jobs/:jobId/log', described, async (request) => {
    const { limit, after } = request.query as z.output<typeof LogQuery>;
    const { jobId } = await getJob(request, records);
    const rows = await events.readLog(jobId, after ?? '', capped(limit) + 1);
    const page = rows.slice(0, capped(limit));
    const last = rows.length > page.length ? page.at(-1)?.id : undefined;
    const here = `${jobUrl(request.root, jobId)}/log`;
    return {
      entries: page.map(({ id, entry }) => ({ id, ...JobLogEntry.parse(entry) })),
      links: [
        jsonLink('self', request.root + request.url),
        ...(last ? [jsonLink('next', `${here}?limit=${limit}&after=${last}`)] : []),
      ],
    };
  });
}
