import { z } from 'zod';
import type { JobContext } from '../job-type.ts';
import type { LedgerVersion } from '../publish-ledger.ts';
import { NotPublishableError } from '../publish-service-definition/publishing-errors.ts';
import { defineStep } from '../step.ts';
import type { RollbackServiceParams } from './schema.ts';

const ChosenVersion = z.object({
  uploadId: z.string(),
  /** What shaped the service then. */
  inputs: z.record(z.string(), z.unknown()),
});
export type ChosenVersion = z.output<typeof ChosenVersion>;

type Input = Pick<RollbackServiceParams, 'site' | 'service' | 'version'> &
  Pick<JobContext, 'ledger' | 'uploads' | 'jobId' | 'deadlineMs'>;

/** How long a job may be at putting back after its deadline, and more. */
const undoMs = 7 * 86_400_000;
/** Most versions that a message lists. */
const mostTold = 20;

/** Finds the definition of the version, and holds it for as long as this job needs it. */
export const chooseVersion = defineStep<Input, ChosenVersion>({
  name: 'version',
  title: 'Looking for the version',
  share: [0, 1],
  result: ChosenVersion,
  look: async () => undefined, // all of it may be done again
  act: async (input) => {
    const { site, service, version, ledger, uploads, jobId, deadlineMs } = input;
    const found = await ledger.findVersion(site, service, version);
    const uploadId = found?.result === 'failed' ? undefined : found?.uploadId;
    if (uploadId === undefined) throw await refusal(input, found);
    // Not for ever: an attempt that dies now may find the version let go, and has nothing to let go itself.
    await uploads.holdUntil(uploadId, holderOf(jobId), deadlineMs + undoMs);
    if (await uploads.find(uploadId)) return { uploadId, inputs: found?.inputs ?? {} };
    await uploads.letGo(uploadId, holderOf(jobId));
    throw await refusal(input, found);
  },
  undo: async ({ uploads, jobId }, chosen) => {
    if (chosen) await uploads.letGo(chosen.uploadId, holderOf(jobId));
    return undefined;
  },
});

/** The service is published: from here on its new version holds the definition. */
export const letVersionGo = defineStep<Input & { chosen: ChosenVersion }, object>({
  name: 'let-go',
  title: 'Cleaning up',
  share: [99, 99],
  result: z.object({}),
  look: async () => undefined,
  act: async ({ uploads, jobId, chosen }) => {
    await uploads.letGo(chosen.uploadId, holderOf(jobId));
    return {};
  },
});

function holderOf(jobId: string): string {
  return `rollback:${jobId}`;
}

async function refusal(
  { site, service, version, ledger }: Input,
  found: LedgerVersion | undefined,
): Promise<NotPublishableError> {
  const { versions } = await ledger.readPage(site, service, { limit: 1_000 });
  const kept = versions
    .filter(({ uploadId, result }) => uploadId !== undefined && result !== 'failed')
    .map((each) => each.version)
    .slice(0, mostTold);
  const facts = { site, service, version, keptVersions: kept };
  const instead =
    kept.length > 0
      ? `Definitions are kept of the versions ${kept.join(', ')}.`
      : 'No definition of this service is kept.';
  if (!found) {
    const why = `There is no version ${version} of ${service} on ${site} in the history.`;
    return new NotPublishableError('not_found', `${why} ${instead} Nothing was changed.`, facts);
  }
  const why =
    found.result === 'failed'
      ? `Version ${version} of ${service} on ${site} is a publish that failed.`
      : `The definition of version ${version} of ${service} on ${site} is not kept any more (retention.ledgerVersions, retention.ledgerDays).`;
  return new NotPublishableError(
    'definition_not_kept',
    `${why} ${instead} Nothing was changed.`,
    facts,
  );
}
