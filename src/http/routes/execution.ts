import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { JobType } from '../../jobs/job-type.ts';
import type { UploadRecord } from '../../jobs/upload-records.ts';
import { RequestError } from '../../lib/errors.ts';
import { toPointer } from '../../lib/json-pointer.ts';
import { pause } from '../../lib/wait.ts';
import { checkScopes, checkWhatIsKnown, leastScopesOf } from '../execution/admission.ts';
import { type AdmissionDeps, admitJob, type Reading } from '../execution/admit.ts';
import { type ExecuteRequest, invalid, parseExecuteRequest } from '../execution/execute-request.ts';
import { parseIdempotencyKey } from '../execution/idempotency-key.ts';
import { parseAsked, toWantedResults } from '../execution/job-acceptance.ts';
import { readMultipartRequest } from '../execution/multipart-request.ts';
import { parsePrefer } from '../execution/prefer.ts';
import { toRequestBody } from '../execution/request-body.ts';
import { whenCallerGoes } from '../incoming-stream.ts';
import { describeInputs } from '../input-description.ts';
import { operation } from '../operation.ts';
import { rawTypes, sendResults } from '../results.ts';
import { StatusInfo } from '../status-info.ts';
import { toCallbacks } from '../webhook-description.ts';

/** How long a process may take that is carried out while the caller waits. */
const atOnceMs = 65_000;

/** One execution per process, so that each has its own inputs in the OpenAPI document. */
export async function executionRoutes(app: FastifyInstance, deps: AdmissionDeps): Promise<void> {
  for (const jobType of deps.jobTypes) {
    const leastScopes = leastScopesOf(jobType);
    app.post(
      `/processes/${jobType.name}/execution`,
      toOperation(jobType),
      async (request, reply) => {
        const isAsync = !jobType.runAtOnce || parsePrefer(request.headers.prefer).isAsync;
        if (!isAsync) return answerAtOnce(jobType, request, reply);
        checkScopes(request.caller, leastScopes);
        return admitJob(request, reply, {
          deps,
          read: (files) => readRequest(jobType, request, reply, { deps, files }),
        });
      },
    );
  }
  app.post(
    '/processes/:processId/execution',
    { config: { scopes: [] }, schema: { hide: true } },
    async () => {
      throw new RequestError('no_such_process', 'There is no process with this id.');
    },
  );
}

async function readRequest(
  jobType: JobType,
  request: FastifyRequest,
  reply: FastifyReply,
  { deps, files: received }: { deps: AdmissionDeps; files: UploadRecord[] },
): Promise<Reading> {
  const { caller, root, id: requestId } = request;
  const asked = { jobType, caller, root, requestId };
  if (!request.isMultipart()) {
    const body = parseExecuteRequest(request.body);
    checkWhatIsKnown(jobType, body.inputs, { caller, deps });
    return { asked: { ...asked, request: body }, files: {} };
  }
  await deps.redis.ping(); // who sends gigabytes should hear of it first when nothing can be accepted
  await deps.receiver.checkRoom(request.headers);
  const gone = whenCallerGoes(reply);
  const { files, ...body } = await readMultipartRequest(request, {
    inputs: describeInputs(jobType),
    maxFileBytes: deps.uploadsConfig.maxBytes,
    checkBeforeFile: (inputs) => checkWhatIsKnown(jobType, inputs, { caller, deps }),
    receive: async (part) => {
      const file = { name: part.filename ?? part.fieldname, source: part.file };
      const upload = await deps.receiver.receive(caller.id, file, gone);
      received.push(upload);
      return upload;
    },
  });
  return { asked: { ...asked, request: body }, files };
}

async function answerAtOnce(
  jobType: JobType,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  parseIdempotencyKey(request.headers['idempotency-key']); // nothing to be made twice, but no nonsense either
  const body = await readAtOnce(jobType, request);
  if (body.subscriber) {
    const detail = 'is told of a job: send `Prefer: respond-async` to get one';
    throw invalid('#/subscriber', 'no_job', detail);
  }
  if (body.at !== undefined) {
    const detail = 'is for a job: send `Prefer: respond-async` to get one';
    throw invalid('#/at', 'no_job', detail);
  }
  const params = parseAsked({ jobType, request: body });
  checkScopes(request.caller, jobType.scopes(params));
  const signal = AbortSignal.any([whenCallerGoes(reply), AbortSignal.timeout(atOnceMs)]);
  const results = await jobType.runAtOnce?.(params, { signal, pause: (ms) => pause(ms, signal) });
  return sendResults(results ?? {}, toWantedResults(body) ?? {}, reply);
}

/** No job holds a file here, so a form has none. */
async function readAtOnce(jobType: JobType, request: FastifyRequest): Promise<ExecuteRequest> {
  if (!request.isMultipart()) return parseExecuteRequest(request.body);
  const { files: _, ...body } = await readMultipartRequest(request, {
    inputs: describeInputs(jobType),
    maxFileBytes: 1,
    checkBeforeFile: () => undefined,
    receive: async ({ fieldname }) => {
      const detail = 'is for a job: send `Prefer: respond-async` to get one';
      throw invalid(toPointer(['inputs', fieldname]), 'no_job', detail);
    },
  });
  return body;
}

function toOperation(jobType: JobType) {
  const operationId = jobType.name.replaceAll(/-([a-z])/g, (_dash, letter: string) =>
    letter.toUpperCase(),
  );
  const isDual = jobType.runAtOnce !== undefined;
  return operation({
    operationId,
    tag: 'processes',
    summary: jobType.title,
    description: `${jobType.summary}. The answer is a job: follow it by its links, or send \`Prefer: wait=30\`.`,
    scopes: [],
    requestHeaders: ['Prefer', 'Idempotency-Key'],
    body: toRequestBody(jobType),
    answers: {
      ...(isDual && {
        200: {
          description: 'The outputs, of an execution without `respond-async`',
          schema: jobType.result,
          textTypes: rawTypes,
        },
      }),
      201: {
        description: 'The job that was made',
        schema: StatusInfo,
        headers: ['Location', 'Retry-After', 'Preference-Applied', 'Idempotency-Replayed'],
      },
    },
    problems: [400, 401, 403, 404, 406, 409, 413, 415, 422, 500, 503],
    callbacks: toCallbacks(operationId),
    produces: isDual ? ['*/*'] : ['application/json'],
  });
}
