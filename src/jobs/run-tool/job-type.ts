import { RequestError } from '../../lib/errors.ts';
import { type AcceptanceFacts, defineJobType } from '../job-type.ts';
import { runTool } from './handler.ts';
import { RunToolParams, RunToolResult } from './schema.ts';

export const runToolJob = defineJobType({
  name: 'run-tool',
  title: 'Run a geoprocessing tool',
  summary: 'One tool of the list that the operator allows; what it makes is kept',
  params: RunToolParams,
  result: RunToolResult,
  example: {
    tool: 'analysis.Buffer',
    parameters: {
      in_features: { data: 'roads.gdb/Roads' },
      out_feature_class: { output: 'near.gdb/Near' },
      buffer_distance_or_field: '10 Meters',
    },
    data: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
  },
  fileInputs: ['data'],
  queue: 'arcpy',
  needs: ({ runtime, tool }) => ({ ...runtime, tool }),
  steps: ['run'],
  scopes: () => ['tools:run'],
  accept: (params, { runtimes = [] }) => {
    checkTool(params, runtimes);
    return { locks: [], warnings: [] };
  },
  handler: runTool,
});

/** Judged by the lists of live workers; while there is none, the job waits for one. */
function checkTool(
  { tool, parameters }: RunToolParams,
  runtimes: NonNullable<AcceptanceFacts['runtimes']>,
): void {
  const described = runtimes.flatMap(({ tools }) => tools);
  const found = described.filter(({ name }) => name === tool);
  const isKnown = runtimes.some(({ probe }) => probe !== undefined);
  if (found.length === 0) {
    if (!isKnown) return;
    const names = [...new Set(described.map(({ name }) => name))].sort();
    const detail = `${tool} is not on the list of tools that may run; there are: ${names.join(', ') || 'none'}`;
    throw new RequestError('tool_not_allowed', `${detail}.`, {
      errors: [{ pointer: '#/inputs/tool', code: 'tool_not_allowed', detail }],
    });
  }
  if (found.some(({ isDescribed }) => !isDescribed)) return;
  const names = found.map((each) => each.parameters.map(({ name }) => name));
  const fits = names.some((known) => Object.keys(parameters).every((name) => known.includes(name)));
  if (fits) return;
  const unknown = Object.keys(parameters).filter((name) => !names.flat().includes(name));
  throw new RequestError('validation_error', '1 fault in the inputs.', {
    errors: unknown.map((name) => ({
      pointer: `#/inputs/parameters/${name}`,
      code: 'unrecognized_key',
      detail: `${tool} has no such parameter; it has: ${names[0]?.join(', ')}`,
    })),
  });
}
