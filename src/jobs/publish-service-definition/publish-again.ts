import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { JsonObject } from '../../sites/answer-shapes.ts';
import { findSiteJobsOfItem, readSiteJob, submitPublishing } from '../../sites/publishing.ts';
import { toText } from '../../sites/service-target.ts';
import { findService, readLifecycle, readService } from '../../sites/services.ts';
import { isRefusal } from '../../sites/site-errors.ts';
import type { SiteJob, SiteJobRef } from '../../sites/site-job.ts';
import {
  deleteUploadItem,
  findUploadItems,
  readServiceConfiguration,
  uploadFile,
} from '../../sites/upload-items.ts';
import type { StepContext } from '../step.ts';
import { storageKeyOfUpload } from '../upload-records.ts';
import { type Decision, describedAs, type Publishing, scratchKey } from './publishing-context.ts';
import { NotPutBackError } from './publishing-errors.ts';
import { siteWrittenPaths } from './site-paths.ts';
import { longestPublishMs } from './site-signs.ts';
import { digestOfSettings, type Snapshot, saveSnapshot } from './snapshot.ts';

type Input = Publishing & { decision: Decision };
type Context = Pick<StepContext, 'signal' | 'log' | 'timing' | 'pause' | 'attempt'>;

/** A site that fails once to publish what it published before mostly does it the next time. */
const mostTries = 3;

/** The definition that made the old service goes the way of any other, with the old settings over it. */
export async function publishAgain(
  input: Input,
  uploadId: string,
  snapshot: Snapshot,
  context: Context,
): Promise<void> {
  const { signal, log } = context;
  await log.info(
    `Publishing ${toText(input.decision.target)} again from the definition that made it.`,
  );
  for (let tries = 1; ; tries += 1) {
    const why = await tryOnce(input, { uploadId, snapshot }, context);
    if (why === undefined) break;
    const failed = `${toText(input.decision.target)} could not be published again from the definition that made it: ${why}`;
    if (tries === mostTries) throw new NotPutBackError(`${failed}, ${tries} times.`);
    await log.warning(`${failed}. It is tried again.`);
    await context.pause(tries * context.timing.pollMaxMs);
  }
  await rememberAsBefore(input, snapshot, signal);
}

/** @returns why the site did not do it, or nothing when it did */
async function tryOnce(
  input: Input,
  held: { uploadId: string; snapshot: Snapshot },
  context: Context,
): Promise<string | undefined> {
  try {
    const ended =
      (await followEarlierTry(input, context)) ?? (await submitHeld(input, held, context));
    return ended.isSucceeded ? undefined : `the site job ended as ${ended.status}`;
  } catch (error) {
    if (!isRefusal(error) || error.again !== 'never') throw error;
    return error.message.replace(/\.$/, '');
  }
}

/**
 * After a crash while undoing: what was begun then is followed to its end, what never became a site job is removed.
 *
 * @returns how it ended, or nothing where there is nothing to follow
 */
async function followEarlierTry(input: Input, context: Context): Promise<SiteJob | undefined> {
  const { site, jobId } = input;
  const { signal } = context;
  for (const left of await findUploadItems(site, markOfHeld(jobId), { signal })) {
    const search = await findSiteJobsOfItem(site, left.itemId, {
      known: input.siteJobItems,
      signal,
    });
    const alive =
      search.kind === 'found' && search.siteJobs.find((job) => job.isSucceeded || !job.isFinal);
    const ended = alive && (await untilFinal(input, alive, context));
    await deleteUploadItem(site, left.itemId, { signal });
    if (ended) return ended;
  }
  return undefined;
}

async function submitHeld(
  input: Input,
  { uploadId, snapshot }: { uploadId: string; snapshot: Snapshot },
  context: Context,
): Promise<SiteJob> {
  const { site, decision } = input;
  const { signal } = context;
  const itemId = await uploadHeld(input, uploadId, context);
  const document = await readServiceConfiguration(site, itemId, { signal });
  const serviceConfiguration = withSettingsOf(document, snapshot.service, decision.target.folder);
  const submitted = await submitPublishing(
    site,
    decision.tools.name,
    { itemId, serviceConfiguration },
    { signal },
  );
  const ended = await untilFinal(input, submitted, context);
  await deleteUploadItem(site, itemId, { signal });
  return ended;
}

function markOfHeld(jobId: string): string {
  return `${describedAs(jobId)}:before`;
}

async function uploadHeld(
  input: Input,
  uploadId: string,
  { signal, attempt }: Context,
): Promise<string> {
  const { site, decision, storage, documents, jobId, uploads } = input;
  const held = await uploads.find(uploadId);
  if (!held)
    throw new NotPutBackError(
      `The definition that made ${toText(decision.target)} is not there any more.`,
    );
  const exists = (await findService(site, decision.target, { signal })) !== undefined;
  const isRewritten =
    exists &&
    held.content?.kind === 'service-definition' &&
    held.content.publishType === 'New' &&
    site.config.replaceMethod === 'manifest';
  return storage.borrow(storageKeyOfUpload(uploadId), (path) =>
    storage.scratch(`${scratchKey(jobId)}before-${attempt}.sd`, async (copy) => {
      if (isRewritten) await documents.rewriteAsReplacement(path, copy, { signal });
      const file = isRewritten ? copy : path;
      const request = {
        open: () => createReadStream(file, { highWaterMark: 1 << 20 }),
        fileName: `${decision.target.serviceName}.sd`,
        sizeBytes: (await stat(file)).size,
        description: markOfHeld(jobId),
      };
      return (await uploadFile(site, request, { signal })).itemId;
    }),
  );
}

/** The service that stands now counts as the one of before: undoing again must not publish once more. */
async function rememberAsBefore(
  { site, decision, storage, jobId, ledger }: Input,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<void> {
  const service = await readService(site, decision.target, { signal });
  const { lastModifiedMs } = await readLifecycle(site, decision.target, { signal });
  const { lastModifiedMs: _, ...rest } = snapshot;
  const changed = lastModifiedMs === undefined ? {} : { lastModifiedMs };
  await saveSnapshot(storage, jobId, { ...rest, service, ...changed, isPutBack: true });
  const { madeByVersion } = decision.live ?? {};
  if (madeByVersion === undefined) return;
  const name = toText(decision.target);
  const before = await ledger.findVersion(site.name, name, madeByVersion);
  const { lastModifiedMs: __, contentKey: ___, ...look } = before?.live ?? {};
  // It was published, but nobody looked at it as closely as at a publish: it does not count as unchanged.
  await ledger.setLive(site.name, name, madeByVersion, {
    ...look,
    ...changed,
    settingsDigest: digestOfSettings(service),
  });
}

async function untilFinal(
  { site, decision }: Input,
  ref: SiteJobRef,
  context: Context,
): Promise<SiteJob> {
  const untilMs = Date.now() + longestPublishMs({ decision });
  const { pollMinMs, pollMaxMs } = context.timing;
  for (let waitMs = pollMinMs; ; waitMs = Math.min(waitMs * 1.3, pollMaxMs)) {
    await context.pause(waitMs);
    const job = await readSiteJob(site, ref, { signal: context.signal });
    if (job.isFinal) return job;
    if (Date.now() > untilMs) {
      throw new NotPutBackError(
        `${toText(decision.target)} could not be published again from the definition that made it: the site job is still ${job.status}.`,
      );
    }
  }
}

/** Paths that the site wrote into the old service belong to the old files; everything else is as it was. */
function withSettingsOf(document: JsonObject, before: JsonObject, folderName: string): JsonObject {
  const own = (document.service ?? {}) as JsonObject;
  const ownProperties = (own.properties ?? {}) as JsonObject;
  const oldProperties = (before.properties ?? {}) as JsonObject;
  const kept = Object.fromEntries(
    Object.entries(oldProperties).filter(([key]) => !siteWrittenPaths.includes(key)),
  );
  return {
    ...document,
    folderName,
    service: { ...own, ...before, properties: { ...ownProperties, ...kept } },
  };
}
