import { z } from 'zod';
import type { JobType } from '../jobs/job-type.ts';
import { describeInputs, describeOutputs } from './input-description.ts';
import { jsonLink, Link, ogcRelations, processUrl } from './links.ts';

export const ProcessSummary = z
  .object({
    id: z.string(),
    title: z.string(),
    description: z.string(),
    version: z.string(),
    jobControlOptions: z.array(z.enum(['sync-execute', 'async-execute', 'dismiss'])),
    outputTransmission: z.array(z.enum(['value', 'reference'])),
    links: z.array(Link),
  })
  .meta({ id: 'ProcessSummary' });
export type ProcessSummary = z.output<typeof ProcessSummary>;

const JsonSchemaDocument = z.record(z.string(), z.unknown()).describe('JSON Schema 2020-12');

export const ProcessDescription = ProcessSummary.extend({
  inputs: z.record(
    z.string(),
    z.object({
      title: z.string(),
      description: z.string(),
      minOccurs: z.int(),
      maxOccurs: z.int(),
      schema: JsonSchemaDocument,
    }),
  ),
  outputs: z.record(
    z.string(),
    z.object({ title: z.string(), description: z.string(), schema: JsonSchemaDocument }),
  ),
  example: z.unknown().describe('Inputs that would do'),
}).meta({ id: 'ProcessDescription' });
export type ProcessDescription = z.output<typeof ProcessDescription>;

export const ProcessList = z
  .object({ processes: z.array(ProcessSummary), links: z.array(Link) })
  .meta({ id: 'ProcessList' });

export function summarizeProcess(jobType: JobType, root: string): ProcessSummary {
  const self = processUrl(root, jobType.name);
  return {
    id: jobType.name,
    title: jobType.title,
    description: jobType.summary,
    version: '1.0.0',
    jobControlOptions: [
      ...(jobType.runAtOnce ? ['sync-execute' as const] : []),
      'async-execute',
      'dismiss',
    ],
    outputTransmission: ['value'],
    links: [
      jsonLink('self', self),
      jsonLink(ogcRelations.execute, `${self}/execution`, 'Where executions are sent'),
    ],
  };
}

/** A process description of OGC API - Processes 1.0, made of the job type's schemas. */
export function describeProcess(jobType: JobType, root: string): ProcessDescription {
  const inputs = describeInputs(jobType).map(({ id, title, description, isRequired, schema }) => [
    id,
    { title, description, minOccurs: isRequired ? 1 : 0, maxOccurs: 1, schema },
  ]);
  const outputs = describeOutputs(jobType).map(({ id, ...described }) => [id, described]);
  return {
    ...summarizeProcess(jobType, root),
    inputs: Object.fromEntries(inputs),
    outputs: Object.fromEntries(outputs),
    example: jobType.example,
  };
}
