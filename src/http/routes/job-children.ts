import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { jobReadingScopes } from '../caller.ts';
import { ChildPage, readChildren, toNextLink } from '../child-rows.ts';
import type { HttpDeps } from '../http-deps.ts';
import { getJob } from '../job-access.ts';
import { jsonLink } from '../links.ts';
import { JobPath, operation } from '../operation.ts';
import { capped, Limit } from '../query-values.ts';

const ChildrenQuery = z.strictObject({
  limit: Limit.default(100),
  cursor: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Where to go on: take it from the link `next`'),
});

export async function jobChildrenRoutes(
  app: FastifyInstance,
  deps: Pick<HttpDeps, 'records' | 'childRows'>,
): Promise<void> {
  const described = operation({
    operationId: 'listChildren',
    tag: 'jobs',
    summary: 'Read the table of the children of a job',
    description:
      'In order, at any time: each with its site, service, status and, where it failed, the kind of the problem. `GET /v1/jobs?parent=` lists the same children as jobs.',
    scopes: jobReadingScopes,
    path: JobPath,
    query: ChildrenQuery,
    answers: {
      200: { description: 'A page of the table', schema: ChildPage, headers: ['Link'] },
    },
    problems: [400, 401, 403, 404, 406, 500, 503],
  });
  app.get('/jobs/:jobId/children', described, async (request, reply) => {
    const { limit, cursor } = request.query as z.output<typeof ChildrenQuery>;
    const record = await getJob(request, deps.records);
    const page = { from: cursor, limit: capped(limit), root: request.root };
    const { rows, next } = await readChildren(record, page, deps);
    const links = [jsonLink('self', request.root + request.url), ...toNextLink(next, reply)];
    return { children: rows, total: record.children?.total ?? 0, links };
  });
}
