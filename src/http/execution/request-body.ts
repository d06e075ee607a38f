import type { JobType } from '../../jobs/job-type.ts';
import { Subscriber } from '../../jobs/subscriber.ts';
import { describeInputs, type JsonSchema, toStandaloneSchema } from '../input-description.ts';
import type { RequestBody } from '../operation.ts';
import { At, ExecuteRequest, Labels, Reference } from './execute-request.ts';

/** The two forms of one execution, as the OpenAPI document describes them. */
export function toRequestBody(jobType: JobType): RequestBody {
  const name = toTypeName(jobType.name);
  return {
    isRequired: true,
    description:
      'The inputs as JSON with links to uploads, or as parts of a form with the files themselves.',
    content: {
      'application/json': {
        schema: ExecuteRequest.extend({ inputs: jobType.params }).meta({ title: `Execute${name}` }),
        example: { inputs: jobType.example },
      },
      'multipart/form-data': { schema: toFormSchema(jobType) },
    },
  };
}

function toFormSchema(jobType: JobType): JsonSchema {
  const file = { contentMediaType: 'application/octet-stream' };
  const inputs = describeInputs(jobType).map(({ id, description, isFile, takesFiles, schema }) => {
    if (takesFiles) return [id, { description, type: 'array', items: file }];
    return [id, isFile ? { description, ...file } : { ...schema, description }];
  });
  return {
    type: 'object',
    description:
      'Parts in any order. Text is a string where the input is one, else JSON; repeated parts are an array.',
    properties: {
      ...Object.fromEntries(inputs),
      inputs: {
        type: 'object',
        description: 'All the other inputs, as JSON',
        additionalProperties: true,
      },
      labels: toStandaloneSchema(Labels, 'input'),
      reference: toStandaloneSchema(Reference, 'input'),
      at: toStandaloneSchema(At, 'input'),
      subscriber: toStandaloneSchema(Subscriber, 'input'),
    },
  };
}

function toTypeName(processId: string): string {
  return processId.replaceAll(/(?:^|-)([a-z])/g, (_start, letter: string) => letter.toUpperCase());
}
