import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { needsPassword, readConnectionFile } from '../documents/connection-file.ts';
import {
  connectionFileTask,
  readConnectionStringResult,
  submitConnectionFile,
} from '../sites/connection-file-task.ts';
import { cancelSiteJob, findSiteJobsOfItem, readSiteJob } from '../sites/publishing.ts';
import { sameName } from '../sites/service-target.ts';
import { KnownSiteJob, type SiteJob, type SiteJobRef } from '../sites/site-job.ts';
import { readPublishingTools } from '../sites/site-reader.ts';
import type { Site } from '../sites/sites.ts';
import {
  deleteUploadItem,
  findUploadItems,
  readUploadItem,
  uploadFile,
} from '../sites/upload-items.ts';
import { DataStoreRefusedError } from './data-store-errors.ts';
import type { FileLink } from './file-link.ts';
import { uploadIdOf } from './file-link.ts';
import type { JobContext } from './job-type.ts';
import { defineStep, type StepContext } from './step.ts';
import { storageKeyOfUpload } from './upload-records.ts';

/** Steps that turn a connection file into a connection string; `:client` follows for the publisher's side. */
export const connectionFileSteps = ['upload', 'convert', 'await', 'clean-up'] as const;

/** Connection files are a few kilobytes. */
const mostBytes = 2 ** 20;

type Input = Pick<JobContext, 'storage' | 'secrets' | 'jobId' | 'siteJobItems'> & {
  site: Site;
  uploadId: string;
  side: ConnectionSide;
};
export type ConnectionSide = 'server' | 'client';

const UploadedItem = z.object({ itemId: z.string() });

/**
 * Has the site read a connection file: only ArcGIS knows how its password is written. The file is removed
 * from the site's uploads again.
 *
 * @throws DocumentError when the file is no .sde
 */
export async function convertConnectionFile(
  { site, link, side }: { site: Site; link: FileLink; side: ConnectionSide },
  context: JobContext,
): Promise<string> {
  const { storage, secrets, jobId, siteJobItems, step } = context;
  const steps = stepsFor(side);
  const uploadId = uploadIdOf(link, []);
  const input: Input = { site, uploadId, side, storage, secrets, jobId, siteJobItems };
  const { itemId } = await step(steps.upload, input);
  const siteJob = await step(steps.convert, { ...input, itemId });
  await step(steps.await, { ...input, siteJob });
  await step(steps.cleanUp, { ...input, itemId });
  const text = secrets.get(keptName(side));
  secrets.hide(text);
  return text;
}

async function readUpload(uploadId: string, storage: JobContext['storage']) {
  return storage.borrow(storageKeyOfUpload(uploadId), async (path) => {
    const { size } = await stat(path);
    if (size > mostBytes) {
      throw new DataStoreRefusedError(
        'unreadable_document',
        `A connection file is a few kilobytes; this one has ${size} bytes.`,
      );
    }
    return readConnectionFile(await readFile(path));
  });
}

const keptName = (side: ConnectionSide) => `connection-${side}`;
const markOf = (jobId: string, side: ConnectionSide) =>
  side === 'server' ? `pressroom:${jobId}` : `pressroom:${jobId}:client`;

function stepsFor(side: ConnectionSide) {
  const named = (name: string) => (side === 'server' ? name : `${name}:client`);
  const upload = defineStep<Input, z.output<typeof UploadedItem>>({
    name: named('upload'),
    title: 'Uploading the connection file',
    share: [8, 14],
    result: UploadedItem,
    look: adoptUpload,
    act: sendFile,
    undo: removeUploads,
  });
  const convert = defineStep<Input & { itemId: string }, SiteJobRef>({
    name: named('convert'),
    title: 'The site reads the connection file',
    share: [14, 20],
    result: KnownSiteJob,
    look: findConvertJob,
    act: submitFile,
    undo: endConvertJob,
  });
  const awaitJob = defineStep<Input & { siteJob: SiteJobRef }, object>({
    name: named('await'),
    title: 'Waiting for the connection string',
    share: [20, 35],
    result: z.object({}),
    act: followConvertJob,
  });
  const cleanUp = defineStep<Input & { itemId: string }, object>({
    name: named('clean-up'),
    title: 'Removing the connection file from the site',
    share: [35, 40],
    result: z.object({}),
    look: async () => undefined,
    act: async ({ site, itemId }, { signal }) => {
      await deleteUploadItem(site, itemId, { signal });
      return {};
    },
  });
  return { upload, convert, await: awaitJob, cleanUp };
}

/** Takes the whole one of our earlier uploads and removes what else is there of ours. */
async function adoptUpload({ site, side }: Input, { signal, jobId }: StepContext) {
  const ours = await findUploadItems(site, markOf(jobId, side), { signal });
  const adopted = ours.find(({ isCommitted }) => isCommitted);
  for (const item of ours) {
    if (item !== adopted) await deleteUploadItem(site, item.itemId, { signal });
  }
  return adopted && { itemId: adopted.itemId };
}

async function sendFile(input: Input, { signal, jobId }: StepContext) {
  const { site, storage, uploadId, side } = input;
  await requireUsableFile(input);
  return storage.borrow(storageKeyOfUpload(uploadId), async (path) => {
    const { size } = await stat(path);
    const file = {
      open: () => createReadStream(path),
      fileName: `${side}-${jobId}.sde`,
      sizeBytes: size,
      description: markOf(jobId, side),
    };
    const { itemId } = await uploadFile(site, file, { signal });
    return { itemId };
  });
}

async function requireUsableFile({ uploadId, storage }: Input): Promise<void> {
  const content = await readUpload(uploadId, storage);
  if (content.hasPassword || !needsPassword(content)) return;
  throw new DataStoreRefusedError(
    'data_store_invalid',
    'No password is saved in the connection file, and a site cannot ask for one. Save user and password in the file, or send the parts of the connection. Nothing was changed.',
  );
}

async function removeUploads(
  { site, side }: Input,
  item: { itemId: string } | undefined,
  { signal, jobId, intends }: StepContext,
): Promise<string | undefined> {
  const note = 'the uploaded connection file was removed from the site';
  const left = await findUploadItems(site, markOf(jobId, side), { signal });
  const ids = new Set([...left.map(({ itemId }) => itemId), ...(item ? [item.itemId] : [])]);
  if (left.length > 0) await intends(note);
  for (const itemId of ids) await deleteUploadItem(site, itemId, { signal });
  return left.length > 0 ? note : undefined;
}

async function submitFile(
  input: Input & { itemId: string },
  context: StepContext,
): Promise<SiteJobRef> {
  const { site } = input;
  const { signal } = context;
  const tools = await readPublishingTools(site, { signal });
  if (!sameName(tools.realTimeState, 'STARTED')) {
    throw new DataStoreRefusedError(
      'site_busy',
      `System/${tools.name}.GPServer of ${site.name} is ${tools.realTimeState}: an administrator has to start it.`,
      { site: site.name },
    );
  }
  const itemId = (await readUploadItem(site, input.itemId, { signal }))
    ? input.itemId
    : (await sendFile(input, context)).itemId;
  const { siteJobId } = await submitConnectionFile(site, tools.name, { itemId }, { signal });
  return { siteJobId, tools: tools.name };
}

/** Reading a file changes nothing: where the site's jobs cannot be seen it is simply asked again. */
async function findConvertJob(
  { site, itemId, siteJobItems: known }: Input & { itemId: string },
  { signal }: StepContext,
): Promise<SiteJobRef | undefined> {
  const found = await findSiteJobsOfItem(site, itemId, { ...connectionFileTask, known, signal });
  if (found.kind !== 'found') return undefined;
  const job = found.siteJobs.find((each) => each.isSucceeded || !each.isFinal);
  return job && { siteJobId: job.siteJobId, tools: job.tools };
}

async function endConvertJob(
  input: Input,
  ref: SiteJobRef | undefined,
  context: StepContext,
): Promise<undefined> {
  if (!ref) return undefined;
  const { site } = input;
  const { signal, timing } = context;
  const job = { ...ref, task: connectionFileTask.task };
  await context.pause(timing.pollMinMs); // it may have been asked a moment ago
  if ((await readSiteJob(site, job, { signal })).isFinal) return undefined;
  await cancelSiteJob(site, job, { signal });
  await untilFinal(site, job, { ...context, patienceMs: timing.watchMs });
  return undefined;
}

async function followConvertJob(
  { site, siteJob, secrets, side }: Input & { siteJob: SiteJobRef },
  context: StepContext,
): Promise<object> {
  const ref = { ...siteJob, task: connectionFileTask.task };
  const patienceMs = site.config.jobTimeoutSeconds * 1_000;
  const job = await untilFinal(site, ref, { ...context, patienceMs });
  if (!job?.isSucceeded) throw notConverted(site, siteJob.siteJobId, job);
  const text = await readConnectionStringResult(site, ref, context);
  secrets.hide(text);
  await secrets.keep(keptName(side), text);
  return {};
}

/** @returns nothing when it did not end in time */
async function untilFinal(
  site: Site,
  ref: SiteJobRef,
  {
    signal,
    pause,
    timing,
    patienceMs,
  }: Pick<StepContext, 'signal' | 'pause' | 'timing'> & { patienceMs: number },
): Promise<SiteJob | undefined> {
  const beganMs = Date.now();
  for (let waitMs = timing.pollMinMs; ; waitMs = Math.min(waitMs * 1.3, timing.pollMaxMs)) {
    await pause(waitMs);
    const job = await readSiteJob(site, ref, { signal });
    if (job.isFinal) return job;
    if (Date.now() - beganMs > patienceMs) return undefined;
  }
}

function notConverted(
  site: Site,
  siteJobId: string,
  job: SiteJob | undefined,
): DataStoreRefusedError {
  const messages = (job?.messages ?? []).map(({ text }) => text);
  const errors = (job?.messages ?? []).filter(({ type }) => type === 'error');
  const why = errors[0]?.text ?? (job ? `it ended as ${job.status}` : 'it did not end in time');
  return new DataStoreRefusedError(
    'site_error',
    `${site.name} could not read the connection file: ${why}`,
    { site: site.name, siteJobId, siteMessages: messages },
  );
}
