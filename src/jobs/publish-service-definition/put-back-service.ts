import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { JsonObject } from '../../sites/answer-shapes.ts';
import {
  cancelSiteJob,
  findSiteJobsOfItem,
  readSiteJob,
  submitPublishing,
} from '../../sites/publishing.ts';
import { toText } from '../../sites/service-target.ts';
import {
  deleteService,
  editService,
  findService,
  readLifecycle,
  readService,
  readServiceStatus,
  startService,
  stopService,
} from '../../sites/services.ts';
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
import { toEntry } from './clean-up.ts';
import { type Decision, describedAs, type Publishing, scratchKey } from './publishing-context.ts';
import { NotPutBackError } from './publishing-errors.ts';
import { siteWrittenPaths } from './site-paths.ts';
import { longestPublishMs } from './site-signs.ts';
import { digestOfSettings, findSnapshot, type Snapshot, saveSnapshot } from './snapshot.ts';
import type { Submitted, TargetBefore } from './submit-definition.ts';
import type { KnownUploadItem } from './upload-definition.ts';

type Input = Publishing & { decision: Decision; uploadItem: KnownUploadItem };
type Context = StepContext<TargetBefore>;

/**
 * Undoes what telling the site to publish led to: the site job is ended first, for a service must not
 * appear after we have looked; then what is new is removed, or what was replaced is put back.
 *
 * @returns what was put back, in words
 * @throws NotPutBackError saying what could not be put back, and what stands there now
 */
export async function putBackService(
  input: Input,
  submitted: Submitted | undefined,
  context: Context,
): Promise<string | undefined> {
  const siteJob = submitted?.siteJob && (await endSiteJob(input, submitted.siteJob, context));
  if (submitted && submitted.uploadItem.itemId !== input.uploadItem.itemId) {
    await deleteUploadItem(input.site, submitted.uploadItem.itemId, { signal: context.signal });
  }
  if (!submitted) return undefined; // looked for: the site was never told
  await rememberFailure(input);
  return input.decision.action === 'replace'
    ? putBackReplaced(input, context)
    : removeNew(input, siteJob, context);
}

/** A cancellation may be ignored (Esri, "Cancel GP Job"), so the job is watched until it is final. */
async function endSiteJob(
  { site, decision }: Input,
  ref: SiteJobRef,
  context: Context,
): Promise<SiteJob> {
  const { signal, log, timing } = context;
  await context.pause(timing.pollMinMs); // it may have been asked a moment ago
  let job = await readSiteJob(site, ref, { signal });
  if (job.isFinal) return job;
  try {
    job = await cancelSiteJob(site, ref, { signal });
    await log.info(`Cancelled the site job ${ref.siteJobId}.`);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await log.warning(`${error.message} The site job is watched until it ends.`);
  }
  const patienceMs = longestPublishMs({ decision });
  const untilMs = Date.now() + patienceMs;
  for (
    let waitMs = timing.pollMinMs;
    !job.isFinal;
    waitMs = Math.min(waitMs * 1.3, timing.pollMaxMs)
  ) {
    if (Date.now() > untilMs) {
      throw new NotPutBackError(
        `The site job ${ref.siteJobId} of ${site.name} goes on although it was cancelled; ${toText(decision.target)} may still appear or change.`,
      );
    }
    await context.pause(waitMs);
    job = await readSiteJob(site, ref, { signal });
  }
  return job;
}

/** The failed publish stays in the ledger; until something is put back, what is live is the site's affair. */
async function rememberFailure(input: Input): Promise<void> {
  const { site, decision, upload, ledger } = input;
  await ledger.record(
    site.name,
    toText(decision.target),
    { ...toEntry(input), result: 'failed' },
    { uploadId: upload.uploadId },
  );
}

async function removeNew(
  input: Input,
  siteJob: SiteJob | undefined,
  context: Context,
): Promise<string | undefined> {
  const { site, decision } = input;
  const { signal, before, log } = context;
  const found = await findService(site, decision.target, { signal });
  if (!found) await forgetLive(input);
  if (!found || before.isThere) return undefined;
  const { lastModifiedMs } = await readLifecycle(site, found, { signal });
  if (lastModifiedMs !== undefined && lastModifiedMs < before.submittedAtMs - clockToleranceMs) {
    await log.warning(
      `${toText(found)} is older than this job's publishing: it is somebody else's and stays.`,
    );
    await context.intends('');
    return undefined;
  }
  const how = siteJob?.isSucceeded ? 'the service' : 'the half-made service';
  const note = `${how} ${toText(found)} was removed`;
  await context.intends(note);
  await deleteService(site, found, { signal });
  await forgetLive(input);
  return note;
}

async function forgetLive({ site, decision, ledger }: Input): Promise<void> {
  await ledger.setLive(site.name, toText(decision.target), undefined);
}

/** Clocks of site and gateway are compared to a second or so only. */
const clockToleranceMs = 5_000;

async function putBackReplaced(input: Input, context: Context): Promise<string | undefined> {
  const snapshot = await findSnapshot(input.storage, input.jobId);
  const name = toText(input.decision.target);
  if (!snapshot)
    throw new NotPutBackError(`The picture of ${name} from before is gone; nothing was put back.`);
  const found = await findService(input.site, input.decision.target, { signal: context.signal });
  if (found && !(await wasReplaced(input, snapshot, context)))
    return putBackState(input, snapshot, context);
  const { madeByUpload } = input.decision.live ?? {};
  if (madeByUpload) {
    const note = `${name} was published again from the definition that made it`;
    await context.intends(note);
    await publishAgain(input, madeByUpload, snapshot, context);
    return (await putBackState(input, snapshot, context, note)) ?? note;
  }
  if (!found) {
    throw new NotPutBackError(
      `${name} is gone from ${input.site.name}, and Pressroom does not hold the definition that made it.`,
    );
  }
  await putBackSettings(input, snapshot, context);
  await putBackState(input, snapshot, context);
  throw new NotPutBackError(
    `${name} has its settings and state of before, but its content may be the new one: Pressroom does not hold the definition that made it.`,
  );
}

async function wasReplaced(
  { site, decision }: Input,
  snapshot: Snapshot,
  { signal }: Context,
): Promise<boolean> {
  const { lastModifiedMs } = await readLifecycle(site, decision.target, { signal });
  const service = await readService(site, decision.target, { signal });
  const hasChanged = digestOfSettings(service) !== digestOfSettings(snapshot.service);
  return hasChanged || lastModifiedMs !== snapshot.lastModifiedMs;
}

async function putBackSettings(
  { site, decision }: Input,
  snapshot: Snapshot,
  { signal }: Context,
): Promise<void> {
  const service = await readService(site, decision.target, { signal });
  if (digestOfSettings(service) !== digestOfSettings(snapshot.service)) {
    await editService(site, decision.target, snapshot.service, { signal });
  }
}

/** @param before what was put back before, in words */
async function putBackState(
  { site, decision }: Input,
  snapshot: Snapshot,
  { signal, intends }: Context,
  before?: string,
): Promise<string | undefined> {
  const { configuredState, realTimeState } = await readServiceStatus(site, decision.target, {
    signal,
  });
  const wanted = snapshot.status.configuredState.toUpperCase();
  if (
    configuredState.toUpperCase() === wanted &&
    realTimeState.toUpperCase() === snapshot.status.realTimeState.toUpperCase()
  ) {
    return undefined;
  }
  const state = `${toText(decision.target)} was ${wanted.toLowerCase()} again`;
  const note = before === undefined ? state : `${before}; ${state}`;
  await intends(note);
  if (wanted === 'STARTED') await startService(site, decision.target, { signal });
  else await stopService(site, decision.target, { signal });
  return note;
}

/** The definition that made the old service goes the way of any other, with the old settings over it. */
async function publishAgain(
  input: Input,
  uploadId: string,
  snapshot: Snapshot,
  context: Context,
): Promise<void> {
  const { site, decision } = input;
  const { signal, log } = context;
  await log.info(`Publishing ${toText(decision.target)} again from the definition that made it.`);
  if (!(await followEarlierTry(input, context))) {
    const itemId = await uploadHeld(input, uploadId, signal);
    const document = await readServiceConfiguration(site, itemId, { signal });
    const serviceConfiguration = withSettingsOf(document, snapshot.service, decision.target.folder);
    const submitted = await submitPublishing(
      site,
      decision.tools.name,
      { itemId, serviceConfiguration },
      { signal },
    );
    await untilPublished(input, submitted, context);
    await deleteUploadItem(site, itemId, { signal });
  }
  await rememberAsBefore(input, snapshot, signal);
}

/** After a crash while undoing: what was begun then is followed, what never became a site job is removed. */
async function followEarlierTry(input: Input, context: Context): Promise<boolean> {
  const { site, jobId } = input;
  const { signal } = context;
  for (const left of await findUploadItems(site, markOfHeld(jobId), { signal })) {
    const search = await findSiteJobsOfItem(site, left.itemId, { signal });
    const alive =
      search.kind === 'found' && search.siteJobs.find((job) => job.isSucceeded || !job.isFinal);
    if (alive) await untilPublished(input, alive, context);
    await deleteUploadItem(site, left.itemId, { signal });
    if (alive) return true;
  }
  return false;
}

function markOfHeld(jobId: string): string {
  return `${describedAs(jobId)}:before`;
}

async function uploadHeld(input: Input, uploadId: string, signal: AbortSignal): Promise<string> {
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
    storage.scratch(`${scratchKey(jobId)}before.sd`, async (copy) => {
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
  await saveSnapshot(storage, jobId, { ...rest, service, ...changed });
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

async function untilPublished(
  { site, decision }: Input,
  ref: SiteJobRef,
  context: Context,
): Promise<void> {
  const untilMs = Date.now() + longestPublishMs({ decision });
  const { pollMinMs, pollMaxMs } = context.timing;
  for (let waitMs = pollMinMs; ; waitMs = Math.min(waitMs * 1.3, pollMaxMs)) {
    await context.pause(waitMs);
    const job = await readSiteJob(site, ref, { signal: context.signal });
    if (job.isSucceeded) return;
    if (job.isFinal || Date.now() > untilMs) {
      throw new NotPutBackError(
        `${toText(decision.target)} could not be published again from the definition that made it: the site job ended as ${job.status}.`,
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
