import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { hasEnded, type JobRecord } from '../../jobs/job-record.ts';
import { missingInputs } from '../../jobs/job-secrets.ts';
import type { JobType } from '../../jobs/job-type.ts';
import { fileLinksOf } from '../../jobs/upload-inputs.ts';
import { RequestError } from '../../lib/errors.ts';
import { toPointer } from '../../lib/json-pointer.ts';
import { type AdmissionDeps, admitJob, type Reading } from '../execution/admit.ts';
import {
  At,
  type ExecuteRequest,
  Labels,
  parseExecuteRequest,
  Reference,
  toFaults,
} from '../execution/execute-request.ts';
import { getJobType, type WantedResults } from '../execution/job-acceptance.ts';
import { getJob } from '../job-access.ts';
import { JobPath, operation } from '../operation.ts';
import { StatusInfo } from '../status-info.ts';

const RetryRequest = z
  .strictObject({
    inputs: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Laid over the inputs of the first job'),
    labels: Labels.optional(),
    reference: Reference.optional(),
    at: At.optional().describe(
      'Not before then; the time of the first job does not count any more',
    ),
  })
  .meta({ id: 'RetryRequest' });
type RetryRequest = z.output<typeof RetryRequest>;

export async function jobRetryRoutes(app: FastifyInstance, deps: AdmissionDeps): Promise<void> {
  const described = operation({
    operationId: 'retryJob',
    tag: 'jobs',
    summary: 'Repeat a job that failed or was dismissed',
    description:
      'Makes a new job of the request of the first one. It needs the same scopes as the first request did.',
    scopes: [],
    path: JobPath,
    requestHeaders: ['Prefer', 'Idempotency-Key'],
    body: {
      isRequired: false,
      description: 'What shall be different this time',
      content: { 'application/json': { schema: RetryRequest } },
    },
    answers: {
      201: {
        description: 'The new job',
        schema: StatusInfo,
        headers: ['Location', 'Retry-After', 'Preference-Applied', 'Idempotency-Replayed'],
      },
    },
    problems: [400, 401, 403, 404, 406, 409, 413, 415, 422, 500, 503],
  });
  app.post('/jobs/:jobId/retry', described, async (request, reply) =>
    admitJob(request, reply, { deps, read: () => readRetry(request, deps) }),
  );
}

async function readRetry(request: FastifyRequest, deps: AdmissionDeps): Promise<Reading> {
  const body = parseRetry(request.body);
  const first = await getJob(request, deps.records);
  if (!hasEnded(first) || first.status === 'successful') {
    throw new RequestError(
      'conflict',
      `Only a job that failed or was dismissed is repeated; this one is ${toState(first)}.`,
    );
  }
  const jobType = getJobType(deps.jobTypes, first.processID);
  const inputs = layOver(
    jobType,
    first.params as Record<string, unknown>,
    parseExecuteRequest({ inputs: body.inputs }).inputs,
  );
  checkSecretsAreThere(jobType, inputs);
  await checkFilesAreThere(jobType, inputs, { request, deps });
  const { caller, root, id: requestId } = request;
  const asked = { jobType, caller, root, requestId, retryOf: first.jobId };
  return { asked: { ...asked, request: toExecuteRequest(first, body, inputs) }, files: {} };
}

/** A secret may be sent without what stands beside it: then it is put into the first one's input. */
function layOver(
  jobType: JobType,
  first: Record<string, unknown>,
  sent: Record<string, unknown>,
): Record<string, unknown> {
  const replaced = { ...first, ...sent };
  if (jobType.secretInputs.length === 0 || jobType.params.safeParse(replaced).success)
    return replaced;
  const merged = Object.entries(sent).map(([name, value]) => {
    const before = first[name];
    return [name, isObject(before) && isObject(value) ? { ...before, ...value } : value];
  });
  return { ...first, ...Object.fromEntries(merged) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** @throws RequestError secret_missing naming each input that was wiped when the first job ended */
function checkSecretsAreThere(jobType: JobType, inputs: Record<string, unknown>): void {
  const missing = missingInputs(inputs, jobType.secretInputs);
  if (missing.length === 0) return;
  throw new RequestError(
    'secret_missing',
    `Secrets are wiped when a job ends: send ${missing.join(', ')} again, in \`inputs\`.`,
    {
      errors: missing.map((path) => ({
        pointer: toPointer(['inputs', ...path.split('.')]),
        code: 'secret_missing',
        detail: 'send it again',
      })),
    },
  );
}

function parseRetry(body: unknown): RetryRequest {
  const { data, error } = RetryRequest.safeParse(body ?? {});
  if (data) return data;
  throw new RequestError('validation_error', 'The body is not a retry request.', {
    errors: toFaults(error),
  });
}

function toState({ status, undo }: JobRecord): string {
  return undo === 'pending' ? `${status}, and what it had begun is still being put back` : status;
}

function toExecuteRequest(
  first: JobRecord,
  body: RetryRequest,
  inputs: Record<string, unknown>,
): ExecuteRequest {
  const { response, outputs } = (first.response ?? {}) as WantedResults;
  const reference = body.reference ?? first.reference;
  return {
    inputs,
    labels: body.labels ?? first.labels,
    ...(reference !== undefined && { reference }),
    ...(body.at !== undefined && { at: body.at }),
    ...(first.subscriber && { subscriber: first.subscriber }),
    ...(response && { response }),
    ...(outputs && { outputs: Object.fromEntries(outputs.map((name) => [name, {}])) }),
  };
}

async function checkFilesAreThere(
  jobType: JobType,
  inputs: Record<string, unknown>,
  { request, deps }: { request: FastifyRequest; deps: AdmissionDeps },
): Promise<void> {
  const missing: string[] = [];
  for (const { input: name, kind, id } of fileLinksOf(jobType, inputs, [request.root])) {
    if (kind === 'artifact') continue; // sent with the retry, and judged like any input
    const upload = await deps.uploads.find(id);
    if (!upload || upload.owner !== request.caller.id) missing.push(name);
  }
  if (missing.length === 0) return;
  throw new RequestError(
    'conflict',
    `Files are gone that the request needs: send ${missing.join(', ')} anew.`,
    {
      errors: missing.map((name) => ({
        pointer: `#/inputs/${name}`,
        code: 'upload_not_found',
        detail: 'the upload is gone',
      })),
    },
  );
}
