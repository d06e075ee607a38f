import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { ChildRow } from '../jobs/child-row.ts';
import type { JobSummary } from '../jobs/job-record.ts';
import type { HttpDeps } from './http-deps.ts';
import { jobUrl, jsonLink, Link } from './links.ts';

export const Child = ChildRow.omit({ digest: true })
  .extend({ href: z.string().optional().describe('Address of its job') })
  .meta({ id: 'Child' });
export type Child = z.output<typeof Child>;

export const ChildPage = z
  .object({
    children: z.array(Child),
    total: z.int().describe('How many there are by now'),
    links: z.array(Link),
  })
  .meta({ id: 'ChildPage' });

/** The children of a job from an index on, and where the next ones are. */
export async function readChildren(
  { jobId, children }: Pick<JobSummary, 'jobId' | 'children'>,
  { from, limit, root }: { from: number; limit: number; root: string },
  { childRows }: Pick<HttpDeps, 'childRows'>,
): Promise<{ rows: Child[]; next?: string }> {
  const found = await childRows.read(jobId, from, limit);
  const rows = found.map(({ digest: _, ...row }) => ({
    ...row,
    ...(row.jobID !== undefined && { href: jobUrl(root, row.jobID) }),
  }));
  const until = from + limit;
  const isLast = until >= (children?.expected ?? 0);
  const next = `${jobUrl(root, jobId)}/children?limit=${limit}&cursor=${until}`;
  return { rows, ...(!isLast && { next }) };
}

export function toNextLink(next: string | undefined, reply: FastifyReply): Link[] {
  if (next === undefined) return [];
  reply.header('link', `<${next}>; rel="next"`);
  return [jsonLink('next', next)];
}
