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
import {
  hasTargetMoved,
  isItemThere,
  longestPublishMs,
  readTargetState,
  untilMovedOrIdle,
} from './site-signs.ts';
import { digestOfSettings, type Snapshot, saveSnapshot } from './snapshot.ts';

type Input = Publishing & { decision: Decision };
type Context = Pick<StepContext, 'signal' | 'log' | 'timing' | 'pause' | 'attempt'>;

/** A site that fails once to publish what it published before mostly does it the next time. */
const mostTries = 3;

/**
 * The definition that made the old service goes the way of any other, with the old settings over it. How far that has
 * come is noted with the snapshot: an undo that is cut off goes on there, and tells the site nothing twice.
 */
export async function publishAgain(
  input: Input,
  uploadId: string,
  snapshot: Snapshot,
  context: Context,
): Promise<void> {
  const { signal, log } = context;
  const notes = new Notes(input, snapshot);
  await log.info(
    `Publishing ${toText(input.decision.target)} again from the definition that made it.`,
  );
  for (let tries = 1; ; tries += 1) {
    const why = await tryOnce(input, { uploadId, notes }, context);
    if (why === undefined) break;
    const failed = `${toText(input.decision.target)} could not be published again from the definition that made it: ${why}`;
    if (tries === mostTries) throw new NotPutBackError(`${failed}, ${tries} times.`);
    await log.warning(`${failed}. It is tried again.`);
    await context.pause(tries * context.timing.pollMaxMs);
  }
  await rememberAsBefore(input, snapshot, signal);
}

type Again = NonNullable<Snapshot['again']>;

/** What was begun of publishing again, by this attempt or one before it. */
class Notes {
  readonly snapshot: Snapshot;
  again: Again | undefined;
  readonly #input: Input;

  constructor(input: Input, snapshot: Snapshot) {
    this.#input = input;
    this.snapshot = snapshot;
    this.again = snapshot.again;
  }

  async keep(again: Again | undefined): Promise<void> {
    const { again: _, ...kept } = this.snapshot;
    const { storage, jobId } = this.#input;
    await saveSnapshot(storage, jobId, { ...kept, ...(again && { again }) });
    this.again = again;
  }
}

type Held = { uploadId: string; notes: Notes };

/** @returns why the site did not do it, or nothing when it did */
async function tryOnce(
  input: Input,
  { uploadId, notes }: Held,
  context: Context,
): Promise<string | undefined> {
  const { signal } = context;
  try {
    const told = await findTold(input, notes, context);
    if (told === 'done') return undefined;
    const job = await untilFinal(
      input,
      told ?? (await tell(input, { uploadId, notes }, context)),
      context,
    );
    const { itemId, before } = notes.again ?? {};
    if (itemId !== undefined) await deleteUploadItem(input.site, itemId, { signal });
    const isMoved = job.isForgotten && before && (await hasTargetMoved(input, before, signal));
    if (job.isSucceeded || isMoved) return undefined;
    await notes.keep(undefined);
    return `the site job ended as ${job.status}`;
  } catch (error) {
    if (!isRefusal(error) || error.again !== 'never') throw error;
    return error.message.replace(/\.$/, '');
  }
}

/**
 * Was the site told already, before a crash or an answer that never came?
 *
 * @returns the site job, `done` where the service tells that it was done, or nothing where it has to be told
 */
async function findTold(
  input: Input,
  notes: Notes,
  context: Context,
): Promise<SiteJobRef | 'done' | undefined> {
  const { itemId, before, siteJob } = notes.again ?? {};
  if (siteJob) return siteJob;
  if (itemId === undefined || !before) return undefined;
  const { site, siteJobItems: known } = input;
  const { signal, timing } = context;
  for (let looks = 1; ; looks += 1) {
    const search = await findSiteJobsOfItem(site, itemId, { known, signal });
    if (search.kind === 'found') {
      const found = search.siteJobs.find((job) => job.isSucceeded || !job.isFinal);
      return found ?? search.siteJobs[0];
    }
    const isHidden = search.kind === 'refused';
    const patienceMs = longestPublishMs(input);
    if (isHidden) await untilMovedOrIdle(input, { before, patienceMs }, context);
    const isThere = await isItemThere(site, itemId, signal);
    if (!isThere && (await hasTargetMoved(input, before, signal))) return 'done';
    if (!isThere || isHidden) {
      await deleteUploadItem(site, itemId, { signal }); // so that a late request finds nothing
      await notes.keep(undefined);
      return undefined;
    }
    if (looks === 2) return undefined;
    await context.pause(timing.lookAgainMs); // a request may still be on its way
  }
}

async function tell(
  input: Input,
  { uploadId, notes }: Held,
  context: Context,
): Promise<SiteJobRef> {
  const { site, decision, siteJobItems } = input;
  const { signal } = context;
  const itemId = await bringItem(input, { uploadId, notes }, context);
  const document = await readServiceConfiguration(site, itemId, { signal });
  const { folder } = decision.target;
  const serviceConfiguration = withSettingsOf(document, notes.snapshot.service, folder);
  const before = await readTargetState(input, signal);
  await notes.keep({ itemId, before });
  const { siteJobId, tools } = await submitPublishing(
    site,
    decision.tools.name,
    { itemId, serviceConfiguration },
    { signal },
  );
  await siteJobItems.keep(site.name, new Map([[siteJobId, itemId]]));
  await notes.keep({ itemId, before, siteJob: { siteJobId, tools } });
  return { siteJobId, tools };
}

/** The item of an earlier attempt, if it is whole; else a new one. */
async function bringItem(
  input: Input,
  { uploadId, notes }: Held,
  context: Context,
): Promise<string> {
  const { site, jobId } = input;
  const { signal } = context;
  const ours = await findUploadItems(site, markOfHeld(jobId), { signal });
  const adopted = ours.find((item) => item.isCommitted);
  for (const item of ours)
    if (item !== adopted) await deleteUploadItem(site, item.itemId, { signal });
  const itemId = adopted?.itemId ?? (await uploadHeld(input, uploadId, context));
  await notes.keep({ itemId });
  return itemId;
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
  const { lastModifiedMs: _, again: _again, ...rest } = snapshot;
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
