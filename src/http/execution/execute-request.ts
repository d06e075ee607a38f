import { z } from 'zod';
import { Subscriber } from '../../jobs/subscriber.ts';
import type { UploadRecord } from '../../jobs/upload-records.ts';
import { RequestError, type RequestFault } from '../../lib/errors.ts';
import { toPointer } from '../../lib/json-pointer.ts';

export const Labels = z
  .array(z.string().min(1).max(100))
  .max(16)
  .describe('Words of your own to find the job by');
export const Reference = z
  .string()
  .min(1)
  .max(200)
  .describe('Your own name for the job, such as the id of a build');

export const At = z.iso
  .datetime({ offset: true })
  .describe('The job is not begun before then (RFC 3339), a year ahead at most');

const OutputRequest = z
  .looseObject({
    transmissionMode: z
      .enum(['value', 'reference'])
      .optional()
      .describe('Values are sent either way'),
  })
  .meta({ id: 'OutputRequest' });

/** The body of an execution, apart from what each process says of its own inputs. */
export const ExecuteRequest = z.strictObject({
  inputs: z.record(z.string(), z.unknown()).default({}),
  outputs: z
    .record(z.string(), OutputRequest)
    .optional()
    .describe('Outputs that are wanted; none named: all'),
  response: z
    .enum(['raw', 'document'])
    .optional()
    .describe(
      'How results are given: `document` is a JSON object of all outputs, `raw` the bare values',
    ),
  subscriber: Subscriber.optional(),
  labels: Labels.optional(),
  reference: Reference.optional(),
  at: At.optional(),
});
export type ExecuteRequest = z.output<typeof ExecuteRequest>;

/** Files that came with a request, by the name of the input. */
export type SentFiles = Record<string, UploadRecord[]>;

/** A request as it was received, by JSON or multipart. */
export type Received = ExecuteRequest & { files: SentFiles };

/** @throws RequestError validation_error */
export function parseExecuteRequest(body: unknown): ExecuteRequest {
  const { data: request, error } = ExecuteRequest.safeParse(body);
  if (error) {
    throw new RequestError('validation_error', 'The body is not an execute request.', {
      errors: toFaults(error),
    });
  }
  return { ...request, inputs: unwrapValues(request.inputs) };
}

const furthestMs = 366 * 86_400_000;

/** When a job may begin, in epoch milliseconds. @throws RequestError when that is too far off */
export function toAtMs({ at }: Pick<ExecuteRequest, 'at'>): number | undefined {
  if (at === undefined) return undefined;
  const atMs = Date.parse(at);
  if (atMs - Date.now() <= furthestMs) return atMs;
  throw invalid('#/at', 'too_far', 'is more than a year ahead');
}

/** @throws RequestError for an output that the process does not have */
export function checkOutputs(outputs: ExecuteRequest['outputs'], toKnown: () => string[]): void {
  if (!outputs) return;
  const known = toKnown();
  const unknown = Object.keys(outputs).find((output) => !known.includes(output));
  if (unknown === undefined) return;
  throw invalid(
    toPointer(['outputs', unknown]),
    'no_such_output',
    `outputs of this process: ${known.join(', ')}`,
  );
}

export function invalid(pointer: string, code: string, detail: string): RequestError {
  return new RequestError('validation_error', '1 fault in the request.', {
    errors: [{ pointer, code, detail }],
  });
}

export function toFaults(error: z.ZodError): RequestFault[] {
  return error.issues.flatMap((issue): RequestFault[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          pointer: toPointer([...issue.path, key]),
          code: 'unrecognized_key',
          detail: 'is not known here',
        }))
      : [{ pointer: toPointer(issue.path), code: issue.code, detail: issue.message }],
  );
}

const qualifiers = new Set(['value', 'mediaType', 'encoding', 'schema', 'format']);

/** OGC's qualified form `{"value": …, "mediaType": …}` is the value itself. */
function unwrapValues(inputs: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [
      name,
      Array.isArray(input) ? input.map(unwrapValue) : unwrapValue(input),
    ]),
  );
}

function unwrapValue(input: unknown): unknown {
  if (input === null || typeof input !== 'object' || !('value' in input)) return input;
  return Object.keys(input).every((key) => qualifiers.has(key)) ? input.value : input;
}
