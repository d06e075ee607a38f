import { z } from 'zod';
import { findSiteJobsOfItem, submitPublishing } from '../../sites/publishing.ts';
import { toText } from '../../sites/service-target.ts';
import { findService, findServiceIn, readLifecycle } from '../../sites/services.ts';
import { KnownSiteJob, type SiteJob, type SiteJobRef } from '../../sites/site-job.ts';
import { deleteUploadItem } from '../../sites/upload-items.ts';
import { defineStep, type StepContext } from '../step.ts';
import { hasBeenQuiet, untilQuiet } from '../step-patience.ts';
import { composeFor } from './configure-service.ts';
import type { Decision, Publishing } from './publishing-context.ts';
import { NotPublishableError } from './publishing-errors.ts';
import { putBackService } from './put-back-service.ts';
import {
  arePublishingToolsBusy,
  hasTargetMoved,
  isItemThere,
  longestPublishMs,
  type TargetState,
} from './site-signs.ts';
import { KnownUploadItem, sendDefinition } from './upload-definition.ts';

/** What the site was told to do. Without a site job there is only the service to judge by. */
export const Submitted = z.object({
  uploadItem: KnownUploadItem,
  siteJob: KnownSiteJob.optional(),
  /** When the site had answered; absent where that answer was lost. */
  submittedMs: z.number().optional(),
});
export type Submitted = z.output<typeof Submitted>;

/** The target right before the site is told; recorded first, so that a later look knows what is new. */
export type TargetBefore = TargetState & { submittedAtMs: number };

type Input = Publishing & { decision: Decision; uploadItem: KnownUploadItem };
type Context = StepContext<TargetBefore>;

/** Tells the site to publish: once. */
export const submitDefinition = defineStep<Input, Submitted, TargetBefore>({
  name: 'submit',
  title: 'Telling the site to publish',
  share: [47, 50],
  result: Submitted,
  looksTwice: true,
  before: readTarget,
  look: findOwnSiteJob,
  act: submit,
  undo: putBackService,
});

async function readTarget(
  { site, decision }: Input,
  { signal }: StepContext,
): Promise<TargetBefore> {
  const find = decision.hasFolder ? findServiceIn : findService;
  const existing = await find(site, decision.target, { signal });
  const submittedAtMs = Date.now() + decision.clockDifferenceMs;
  if (!existing) return { isThere: false, submittedAtMs };
  if (decision.action === 'create') {
    throw new NotPublishableError(
      'service_exists',
      `${toText(existing)} appeared on ${site.name} after this job began: somebody else made it. It was not touched.`,
      { site: site.name, service: toText(existing) },
    );
  }
  const { lastModifiedMs } = await readLifecycle(site, existing, { signal });
  return { isThere: true, lastModifiedMs, submittedAtMs };
}

async function submit(input: Input, context: Context): Promise<Submitted> {
  const uploadItem = await presentItem(input, context);
  const { document } = await composeFor(input, uploadItem, context.signal);
  const siteJob = await submitPublishing(
    input.site,
    input.decision.tools.name,
    { itemId: uploadItem.itemId, serviceConfiguration: document },
    { signal: context.signal },
  );
  await input.siteJobItems.keep(input.site.name, new Map([[siteJob.siteJobId, uploadItem.itemId]]));
  await context.log.info(`The site job is ${siteJob.siteJobId}.`);
  return { ...toSubmitted(uploadItem, siteJob), submittedMs: Date.now() };
}

/** The item of the upload step, or a new one if a look had to remove that. */
async function presentItem(input: Input, context: Context): Promise<KnownUploadItem> {
  const { site, uploadItem } = input;
  const isThere = await isItemThere(site, uploadItem.itemId, context.signal);
  return isThere ? uploadItem : sendDefinition(input, context);
}

/**
 * Was the site told already? By the site's own list of jobs where our account may see it; else by what
 * moves on the site.
 */
async function findOwnSiteJob(input: Input, context: Context): Promise<Submitted | undefined> {
  const beganMs = Date.now();
  const first = await searchOnce(input, context);
  if (first !== 'none' && first !== 'hidden') return first;
  if (first === 'hidden') return watch(input, context);
  if (hasBeenQuiet(context, beganMs)) return undefined;
  await untilQuiet(context);
  const second = await searchOnce(input, context);
  return second === 'none' || second === 'hidden' ? undefined : second;
}

async function searchOnce(
  input: Input,
  { signal, log }: Context,
): Promise<Submitted | 'none' | 'hidden'> {
  const { site, uploadItem, siteJobItems: known } = input;
  const search = await findSiteJobsOfItem(site, uploadItem.itemId, { known, signal });
  if (search.kind === 'found') {
    const siteJob = newest(search.siteJobs);
    await log.info(
      `The site job ${siteJob.siteJobId} was started by an earlier try and is followed.`,
    );
    return toSubmitted(uploadItem, siteJob);
  }
  if (!(await isItemThere(site, uploadItem.itemId, signal))) {
    await log.warning(
      `The upload item ${uploadItem.itemId} is gone: a site job used it up. The service itself has to tell.`,
    );
    return { uploadItem };
  }
  return search.kind === 'none' ? 'none' : 'hidden';
}

/**
 * Our account may not see the site's jobs: so upload item and target are watched, and whether anything is
 * worked on, for that may be ours: nothing is known before it has ended.
 */
async function watch(input: Input, context: Context): Promise<Submitted | undefined> {
  const { site, uploadItem } = input;
  const { signal, timing, log, before, quietSinceMs } = context;
  await log.warning(
    `${site.name} does not show its jobs to our account. Watching for ${timing.watchMs / 1000} s whether it was told to publish.`,
  );
  const latestMs = Date.now() + longestPublishMs(input);
  // What an earlier attempt has watched counts; once, as long as a request may be on its way, it is watched anyway.
  let untilMs = Math.max(quietSinceMs + timing.watchMs, Date.now() + timing.lookAgainMs);
  while (Date.now() < untilMs) {
    await context.pause(Math.min(timing.pollMaxMs, timing.lookAgainMs));
    if (!(await isItemThere(site, uploadItem.itemId, signal))) return { uploadItem };
    if (await hasTargetMoved(input, before, signal)) return { uploadItem };
    if (Date.now() < latestMs && (await arePublishingToolsBusy(input, signal)))
      untilMs = Date.now() + timing.watchMs;
  }
  await log.info(
    'Nothing moved: the upload item is replaced, so that a late request finds nothing, and the site is told once more.',
  );
  await deleteUploadItem(site, uploadItem.itemId, { signal });
  return undefined;
}

/** Several only if the site was told twice; one that succeeded says most, then one that still runs. */
function newest(siteJobs: SiteJob[]): SiteJob {
  const worth = (job: SiteJob) => (job.isSucceeded ? 2 : job.isFinal ? 0 : 1);
  const [best] = [...siteJobs].sort((a, b) => worth(b) - worth(a));
  if (!best) throw new Error('There is no site job to choose from');
  return best;
}

function toSubmitted(uploadItem: KnownUploadItem, { siteJobId, tools }: SiteJobRef): Submitted {
  return { uploadItem, siteJob: { siteJobId, tools } };
}
