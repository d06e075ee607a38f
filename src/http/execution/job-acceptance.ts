import { discardUpload } from '../../jobs/artifact-uploads.ts';
import type { Lease } from '../../jobs/idempotency.ts';
import { outputsOf } from '../../jobs/job-children.ts';
import type { JobRecord } from '../../jobs/job-record.ts';
import { sealInputs } from '../../jobs/job-secrets.ts';
import { type JobType, sitesOf } from '../../jobs/job-type.ts';
import { routeOrRefuse } from '../../jobs/runtime-wish.ts';
import type { UploadRecord } from '../../jobs/upload-records.ts';
import { QueueUnavailableError, RequestError } from '../../lib/errors.ts';
import { isRedisAway } from '../../lib/redis.ts';
import { createTimeOrderedId } from '../../lib/time-ordered-id.ts';
import type { Caller } from '../caller.ts';
import type { HttpDeps } from '../http-deps.ts';
import { jobUrl } from '../links.ts';
import { type StatusInfo, toStatusInfo } from '../status-info.ts';
import { checkScopes, checkSites, resolveFiles } from './admission.ts';
import { checkOutputs, type ExecuteRequest, toAtMs } from './execute-request.ts';
import { checkSubscriber } from './subscriber-check.ts';

export type Asked = {
  jobType: JobType;
  request: ExecuteRequest;
  caller: Caller;
  root: string;
  requestId: string;
  retryOf?: string;
  lease?: Lease;
};

/** What a repetition of the request is answered. */
export type AcceptedAnswer = { location: string; body: StatusInfo };

/** How the caller wants the results; kept on the job. */
export type WantedResults = { response?: 'raw' | 'document'; outputs?: string[] };

type Deps = Pick<
  HttpDeps,
  | 'siteConfigs'
  | 'siteRecords'
  | 'runtimes'
  | 'uploads'
  | 'storage'
  | 'documents'
  | 'submission'
  | 'egress'
  | 'metrics'
  | 'tracing'
  | 'sealing'
  | 'secretNames'
>;

/** @throws RequestError validation_error, also for outputs that the process does not have */
export function parseAsked({
  jobType,
  request,
}: Pick<Asked, 'jobType' | 'request'>): Record<string, unknown> {
  checkOutputs(request.outputs, () => Object.keys(outputsOf(jobType)));
  return jobType.parseParams(request.inputs);
}

/**
 * Judges a request and writes the job. Nothing is written when anything is wrong with it.
 *
 * @throws RequestError, DocumentError, QueueUnavailableError
 */
export async function acceptJob(asked: Asked, deps: Deps): Promise<JobRecord> {
  const adopted: UploadRecord[] = [];
  try {
    return await judgeAndWrite(asked, adopted, deps);
  } catch (error) {
    // When Redis is away the job may have been written: then its files stay, and are swept if it was not.
    if (!(error instanceof QueueUnavailableError) && !isRedisAway(error)) {
      for (const upload of adopted) await discardUpload(upload, deps);
    }
    throw error;
  }
}

async function judgeAndWrite(
  asked: Asked,
  adopted: UploadRecord[],
  deps: Deps,
): Promise<JobRecord> {
  const { jobType, request, caller, root } = asked;
  const parsed = parseAsked(asked);
  checkScopes(caller, jobType.scopes(parsed));
  checkSites(jobType, parsed, { caller, deps });
  const { params, uploads, all } = await resolveFiles(jobType, parsed, {
    caller,
    root,
    deps,
    adopted,
  });
  const runtimes = jobType.needs ? await deps.runtimes.list() : [];
  const acceptance = jobType.accept(params, {
    uploads,
    files: all,
    runtimes,
    secretNames: deps.secretNames(),
    siteRecords: await deps.siteRecords.findAll(sitesOf(jobType, params)),
  });
  const route = jobType.needs && routeOrRefuse(jobType.needs(params), runtimes);
  if (request.subscriber) await checkSubscriber(request.subscriber, deps.egress);
  for (const name of jobType.secretFileInputs) {
    const upload = uploads[name];
    if (upload && mayHoldSecret(upload)) await deps.uploads.markSecret(upload.uploadId);
  }
  const wanted = toWantedResults(request);
  const atMs = toAtMs(request);
  const jobId = createTimeOrderedId();
  // From here on nothing is handed on in clear.
  const sealed = sealInputs(deps.sealing, jobId, params, jobType.secretInputs);
  const traceparent = deps.tracing.traceparent();
  const accepting = deps.submission.submit(
    jobType,
    {
      jobId,
      owner: caller.id,
      ...sealed,
      uploads: [...new Set(all.map(({ uploadId }) => uploadId))],
      acceptance,
      ...(route && { pool: route.pool }),
      labels: request.labels ?? [],
      requestId: asked.requestId,
      ...(traceparent !== undefined && { traceparent }),
      ...(request.reference !== undefined && { reference: request.reference }),
      ...(atMs !== undefined && { atMs }),
      ...(wanted && { response: wanted }),
      ...(request.subscriber && { subscriber: request.subscriber }),
      ...(asked.retryOf !== undefined && { retryOf: asked.retryOf }),
      ...(asked.lease && {
        idempotency: { ...asked.lease, answer: (record) => JSON.stringify(toAnswer(record, root)) },
      }),
    },
    Date.now(),
  );
  return accepting.catch((error: unknown) => {
    for (const { uploadId } of all) deps.uploads.forget(uploadId); // one may be gone: the next request hears which
    throw error;
  });
}

/** What is known to hold none may stay, so that a retry finds it. */
function mayHoldSecret({ content }: UploadRecord): boolean {
  return content?.kind !== 'connection-file' || content.hasPassword;
}

/** The priority is not told: it is found as the job is written, and this answer with it. */
export function toAnswer(record: JobRecord, root: string): AcceptedAnswer {
  const body = toStatusInfo(record, root, { priority: 0 });
  return { location: jobUrl(root, record.jobId), body };
}

/** @throws RequestError not_found */
export function getJobType(jobTypes: readonly JobType[], name: string): JobType {
  const jobType = jobTypes.find((each) => each.name === name);
  if (jobType) return jobType;
  throw new RequestError('no_such_process', `There is no process ${JSON.stringify(name)}.`);
}

export function toWantedResults({ response, outputs }: ExecuteRequest): WantedResults | undefined {
  const names = Object.keys(outputs ?? {});
  if (response === undefined && names.length === 0) return undefined;
  return { ...(response && { response }), ...(names.length > 0 && { outputs: names }) };
}
