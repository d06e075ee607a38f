import { cancelSiteJob, readSiteJob } from '../../sites/publishing.ts';
import {
  deleteService,
  editService,
  startService,
  stopService,
} from '../../sites/service-changes.ts';
import { toText } from '../../sites/service-target.ts';
import {
  findService,
  readLifecycle,
  readService,
  readServiceStatus,
} from '../../sites/services.ts';
import { isRefusal } from '../../sites/site-errors.ts';
import type { SiteJob, SiteJobRef } from '../../sites/site-job.ts';
import { deleteUploadItem } from '../../sites/upload-items.ts';
import type { StepContext } from '../step.ts';
import { toEntry } from './clean-up.ts';
import { lookWhetherPutBack, putBackExtras } from './look-whether-put-back.ts';
import { publishAgain } from './publish-again.ts';
import type { Decision, Publishing } from './publishing-context.ts';
import { NotPutBackError } from './publishing-errors.ts';
import { longestPublishMs } from './site-signs.ts';
import { digestOfSettings, findSnapshot, type Snapshot } from './snapshot.ts';
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
    return snapshot.isPutBack
      ? finishPublishedAgain(input, snapshot, context)
      : putBackState(input, snapshot, context);
  const { madeByUpload } = input.decision.live ?? {};
  if (madeByUpload) {
    await context.intends(publishedAgain(input));
    await publishAgain(input, madeByUpload, snapshot, context);
    return finishPublishedAgain(input, snapshot, context);
  }
  if (!found) {
    throw new NotPutBackError(
      `${name} is gone from ${input.site.name}, and Pressroom does not hold the definition that made it.`,
    );
  }
  await putBackSettings(input, snapshot, context);
  await putBackState(input, snapshot, context);
  await putBackExtras(input, snapshot, { signal: context.signal, intends: async () => {} });
  throw new NotPutBackError(
    `${name} has its settings and state of before, but its content may be the new one: Pressroom does not hold the definition that made it.`,
  );
}

function publishedAgain({ decision }: Input): string {
  return `${toText(decision.target)} was published again from the definition that made it`;
}

/** The definition does not hold all that people tuned, and a site may say success and show something else. */
async function finishPublishedAgain(
  input: Input,
  snapshot: Snapshot,
  context: Context,
): Promise<string | undefined> {
  const stated = await putBackState(input, snapshot, context, publishedAgain(input));
  await lookWhetherPutBack(input, snapshot, context);
  const inWords = (extras: string[]) => [stated ?? publishedAgain(input), ...extras].join('; ');
  const extras = await putBackExtras(input, snapshot, {
    signal: context.signal,
    intends: (done) => context.intends(inWords(done)),
  });
  // An earlier attempt has said what it was about to do.
  if (snapshot.isPutBack && stated === undefined && extras.length === 0) return undefined;
  return inWords(extras);
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
