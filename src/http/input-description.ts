import { z } from 'zod';
import { outputsOf } from '../jobs/job-children.ts';
import type { JobType } from '../jobs/job-type.ts';

export type JsonSchema = { [keyword: string]: unknown };

export type InputDescription = {
  id: string;
  title: string;
  description: string;
  isRequired: boolean;
  isFile: boolean;
  /** Several files may come for it. */
  takesFiles: boolean;
  schema: JsonSchema;
};

export type OutputDescription = Pick<InputDescription, 'id' | 'title' | 'description' | 'schema'>;

const described = new WeakMap<JobType, InputDescription[]>();

/** The inputs of a job type as callers see them, out of its Zod schema. Found out once: it takes a while. */
export function describeInputs(jobType: JobType): InputDescription[] {
  const known = described.get(jobType);
  if (known) return known;
  const inputs = findInputs(jobType);
  described.set(jobType, inputs);
  return inputs;
}

function findInputs(jobType: JobType): InputDescription[] {
  return Object.entries(jobType.params.shape).map(([id, input]) => {
    const described = describeMember(id, input, 'input');
    const isFile = jobType.fileInputs.includes(id);
    return {
      ...described,
      isRequired: !z.safeParse(input, undefined).success,
      isFile,
      takesFiles: isFile && takesList(described.schema),
    };
  });
}

function takesList({ type, anyOf }: JsonSchema): boolean {
  return type === 'array' || (Array.isArray(anyOf) && anyOf.some((each) => takesList(each)));
}

export function describeOutputs(jobType: JobType): OutputDescription[] {
  return Object.entries(outputsOf(jobType)).map(([id, output]) =>
    describeMember(id, output, 'output'),
  );
}

function describeMember(
  id: string,
  member: z.core.$ZodType,
  io: 'input' | 'output',
): OutputDescription {
  const { description, ...schema } = toStandaloneSchema(member, io);
  const words = id.replaceAll(/([A-Z])/g, ' $1').toLowerCase();
  return {
    id,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    description: typeof description === 'string' ? description : words,
    schema,
  };
}

/** JSON Schema 2020-12 without references, so that it may stand inside another document. */
export function toStandaloneSchema(schema: z.core.$ZodType, io: 'input' | 'output'): JsonSchema {
  const { $defs, ...whole } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
  const definitions = ($defs ?? {}) as Record<string, JsonSchema>;
  return inlineReferences(whole, definitions) as JsonSchema;
}

function inlineReferences(value: unknown, definitions: Record<string, JsonSchema>): unknown {
  if (Array.isArray(value)) return value.map((each) => inlineReferences(each, definitions));
  if (value === null || typeof value !== 'object') return value;
  const { $ref, $schema: _schema, id: _id, ...rest } = value as JsonSchema;
  const target = typeof $ref === 'string' ? definitions[$ref.replace('#/$defs/', '')] : undefined;
  const own = typeof _id === 'object' ? { id: _id } : {}; // a property that is called `id`
  const members = Object.entries({ ...target, ...own, ...rest }).filter(
    ([key]) => !(target && key === 'id'),
  );
  return Object.fromEntries(
    members.map(([key, inner]) => [key, inlineReferences(inner, definitions)]),
  );
}
