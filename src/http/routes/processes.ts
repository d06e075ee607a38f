import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { getJobType } from '../execution/job-acceptance.ts';
import type { HttpDeps } from '../http-deps.ts';
import { jsonLink } from '../links.ts';
import { operation } from '../operation.ts';
import {
  describeProcess,
  ProcessDescription,
  ProcessList,
  summarizeProcess,
} from '../process-description.ts';
import { Count, capped, Limit } from '../query-values.ts';

const ProcessQuery = z.strictObject({
  limit: Limit,
  offset: Count.default(0).describe('Processes to pass over'),
});
const ProcessPath = z.object({ processId: z.string().describe('Id of the process') });

export async function processRoutes(
  app: FastifyInstance,
  { jobTypes }: Pick<HttpDeps, 'jobTypes'>,
): Promise<void> {
  const list = operation({
    operationId: 'listProcesses',
    tag: 'processes',
    summary: 'List the processes',
    description: 'What this deployment can do.',
    scopes: [],
    query: ProcessQuery,
    answers: { 200: { description: 'A page of processes', schema: ProcessList } },
    problems: [400, 401, 406, 500],
  });
  app.get('/processes', list, async ({ query, root }) => {
    const { limit, offset } = query as z.output<typeof ProcessQuery>;
    const end = offset + capped(limit);
    const here = `${root}/v1/processes?limit=${limit}`;
    return {
      processes: jobTypes.slice(offset, end).map((jobType) => summarizeProcess(jobType, root)),
      links: [
        jsonLink('self', `${here}&offset=${offset}`),
        ...(end < jobTypes.length ? [jsonLink('next', `${here}&offset=${end}`)] : []),
      ],
    };
  });

  const read = operation({
    operationId: 'getProcess',
    tag: 'processes',
    summary: 'Describe a process',
    description: 'Its inputs and outputs as JSON Schema, and an example.',
    scopes: [],
    path: ProcessPath,
    answers: { 200: { description: 'The process', schema: ProcessDescription } },
    problems: [400, 401, 404, 406, 500],
  });
  app.get('/processes/:processId', read, async ({ params, root }) => {
    const { processId } = params as z.output<typeof ProcessPath>;
    return describeProcess(getJobType(jobTypes, processId), root);
  });
}
