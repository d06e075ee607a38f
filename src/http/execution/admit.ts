import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasEnded, type JobRecord } from '../../jobs/job-record.ts';
import type { UploadRecord } from '../../jobs/upload-records.ts';
import { QueueUnavailableError } from '../../lib/errors.ts';
import { isRedisAway } from '../../lib/redis.ts';
import type { HttpDeps } from '../http-deps.ts';
import { drain, whenCallerGoes } from '../incoming-stream.ts';
import { jobUrl } from '../links.ts';
import { readOutlook } from '../outlook.ts';
import { toStatusInfo } from '../status-info.ts';
import type { UploadReceiver } from '../upload-receiver.ts';
import type { SentFiles } from './execute-request.ts';
import { fingerprintOf, sealedFingerprintsOf } from './idempotency-key.ts';
import { Idempotent } from './idempotent.ts';
import { type AcceptedAnswer, type Asked, acceptJob, toAnswer } from './job-acceptance.ts';
import { waitForEnd } from './job-waiter.ts';
import { type Preferences, parsePrefer, toPreferenceApplied } from './prefer.ts';

/** Seconds after which a look at a new job is worth the while. */
export const pollAfterSeconds = 2;

export type AdmissionDeps = HttpDeps & {
  receiver: UploadReceiver;
  /** Aborts when the process stops: whoever waits for a job is answered then. */
  closing: AbortSignal;
};

/** What a route read: the request, and the files that came with it. */
export type Reading = { asked: Omit<Asked, 'lease'>; files: SentFiles };

type Outcome =
  | { kind: 'accepted'; record: JobRecord }
  | { kind: 'repeated'; answer: AcceptedAnswer };

/**
 * Carries a request for a job through: key, body, judgement, record, answer. A refusal deletes the
 * files that came along and frees the key.
 */
export async function admitJob(
  request: FastifyRequest,
  reply: FastifyReply,
  { deps, read }: { deps: AdmissionDeps; read: (files: UploadRecord[]) => Promise<Reading> },
): Promise<FastifyReply> {
  const preferences = parsePrefer(request.headers.prefer);
  const outcome = await decide(request, { deps, read });
  if (outcome.kind === 'repeated') {
    reply.header('idempotency-replayed', 'true');
    return sendAccepted(
      outcome.answer,
      preferences,
      reply.header('retry-after', String(pollAfterSeconds)),
    );
  }
  return answerWhenWanted(outcome.record, preferences, { request, reply, deps });
}

async function decide(
  request: FastifyRequest,
  { deps, read }: { deps: AdmissionDeps; read: (files: UploadRecord[]) => Promise<Reading> },
): Promise<Outcome> {
  const received: UploadRecord[] = [];
  const key = await Idempotent.claim(request.headers, {
    owner: request.caller.id,
    records: deps.idempotency,
    log: deps.log,
  }).catch((error: unknown) => {
    drain(request);
    throw error;
  });
  try {
    const { asked, files } = await read(received);
    const answer = await key.settle(() => toFingerprints(request, { asked, files }, deps));
    if (answer) {
      deps.metrics.idempotency.inc({ outcome: 'replay' });
      await discardAll(received, deps);
      return { kind: 'repeated', answer };
    }
    const { lease } = key;
    const record = await acceptJob({ ...asked, ...(lease && { lease }) }, deps);
    if (lease) deps.metrics.idempotency.inc({ outcome: 'new' });
    return { kind: 'accepted', record };
  } catch (error) {
    drain(request);
    if (isQueueAway(error)) {
      // The job may have been written and only the answer be lost, so its files stay: unused ones are swept.
      void key.release();
      throw error;
    }
    await discardAll(received, deps);
    await key.release();
    throw error;
  }
}

function isQueueAway(error: unknown): boolean {
  return error instanceof QueueUnavailableError || isRedisAway(error);
}

function toFingerprints(
  request: FastifyRequest,
  { asked: { request: body, jobType }, files }: Reading,
  { sealing }: Pick<AdmissionDeps, 'sealing'>,
): string[] {
  const sent = Object.entries(files).map(([name, uploads]) => {
    const [only, ...more] = uploads.map(({ sha256, sizeBytes }) => ({ sha256, sizeBytes }));
    return [name, more.length === 0 ? only : [only, ...more]];
  });
  const inputs = { ...body.inputs, ...Object.fromEntries(sent) };
  const route = `${request.method} ${request.url.split('?')[0]}`;
  const content = { ...body, inputs };
  if (jobType.secretInputs.length === 0) return [fingerprintOf(route, content)];
  const keys = sealing.derive({ purpose: 'idempotency-fingerprint', recordId: request.caller.id });
  return sealedFingerprintsOf(route, content, keys);
}

/** Files that stay because storage or Redis fails now are swept when they are old. */
async function discardAll(
  uploads: UploadRecord[],
  { receiver, log }: AdmissionDeps,
): Promise<void> {
  for (const upload of uploads) {
    await receiver.discard(upload).catch((error: unknown) => {
      log.warn({ err: error, uploadId: upload.uploadId }, 'A refused file was not deleted');
    });
  }
}

async function answerWhenWanted(
  accepted: JobRecord,
  preferences: Preferences,
  { request, reply, deps }: { request: FastifyRequest; reply: FastifyReply; deps: AdmissionDeps },
): Promise<FastifyReply> {
  if (!preferences.waitSeconds) {
    reply.header('retry-after', String(pollAfterSeconds));
    return sendAccepted(toAnswer(accepted, request.root), preferences, reply);
  }
  const patience = AbortSignal.timeout(preferences.waitSeconds * 1_000);
  const signal = AbortSignal.any([patience, whenCallerGoes(reply), deps.closing]);
  // The job stands: when nothing more can be learned of it now, it is answered as it was accepted.
  const record =
    (await waitForEnd(accepted.jobId, { ...deps, signal }).catch(() => undefined)) ?? accepted;
  if (!hasEnded(record)) reply.header('retry-after', String(pollAfterSeconds));
  const outlook = await readOutlook(record, deps).catch(() => undefined);
  const answer = {
    location: jobUrl(request.root, record.jobId),
    body: toStatusInfo(record, request.root, outlook),
  };
  return sendAccepted(answer, preferences, reply);
}

function sendAccepted(
  answer: AcceptedAnswer,
  preferences: Preferences,
  reply: FastifyReply,
): FastifyReply {
  const applied = toPreferenceApplied(preferences);
  if (applied) reply.header('preference-applied', applied);
  return reply.code(201).header('location', answer.location).send(answer.body);
}
