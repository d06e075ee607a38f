import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import {
  deleteUploadItem,
  findUploadItems,
  type UploadItem,
  uploadFile,
} from '../../sites/upload-items.ts';
import { defineStep, type StepContext } from '../step.ts';
import { storageKeyOfUpload } from '../upload-records.ts';
import { type Decision, describedAs, type Publishing, scratchKey } from './publishing-context.ts';

export const KnownUploadItem = z.object({ itemId: z.string(), itemName: z.string() });
export type KnownUploadItem = z.output<typeof KnownUploadItem>;

type Input = Publishing & { decision: Decision };

/** Brings the definition to the site as an upload item that carries our mark. */
export const uploadDefinition = defineStep({
  name: 'upload',
  title: 'Uploading the definition to the site',
  share: [8, 40],
  result: KnownUploadItem,
  look: adoptUploadItem,
  act: sendDefinition,
  undo: async ({ site }: Input, item, { signal, jobId, intends }) => {
    const note = 'the uploaded definition was removed from the site';
    const left = await findUploadItems(site, describedAs(jobId), { signal });
    const ids = new Set([...left.map(({ itemId }) => itemId), ...(item ? [item.itemId] : [])]);
    if (left.length > 0) await intends(note);
    for (const itemId of ids) await deleteUploadItem(site, itemId, { signal });
    return left.length > 0 ? note : undefined;
  },
});

/** Takes the whole one of our earlier uploads and removes what else is there of ours. */
async function adoptUploadItem(
  { site, upload, decision }: Input,
  { signal, jobId, log }: StepContext,
): Promise<KnownUploadItem | undefined> {
  const ours = await findUploadItems(site, describedAs(jobId), { signal });
  const isWhole = (item: UploadItem) =>
    item.isCommitted &&
    (item.sizeBytes === undefined ||
      decision.method === 'manifest' ||
      item.sizeBytes === upload.sizeBytes);
  const adopted = ours.find(isWhole);
  for (const item of ours)
    if (item !== adopted) await deleteUploadItem(site, item.itemId, { signal });
  if (!adopted) return undefined;
  await log.info(`The upload item ${adopted.itemId} of an earlier attempt is used.`);
  return { itemId: adopted.itemId, itemName: adopted.itemName };
}

export async function sendDefinition(input: Input, context: StepContext): Promise<KnownUploadItem> {
  const { storage, documents, upload, decision, jobId } = input;
  return storage.borrow(storageKeyOfUpload(upload.uploadId), async (path) => {
    if (decision.method !== 'manifest') return sendFile(input, path, context);
    return storage.scratch(`${scratchKey(jobId)}${context.attempt}.sd`, async (copy) => {
      await documents.rewriteAsReplacement(path, copy, { signal: context.signal });
      await context.log.info(
        'The type in a copy of the definition was rewritten from New to Replacement.',
      );
      return sendFile(input, copy, context);
    });
  });
}

async function sendFile(
  { site, wanted }: Input,
  path: string,
  context: StepContext,
): Promise<KnownUploadItem> {
  const sizeBytes = (await stat(path)).size;
  let told = 0;
  const item = await uploadFile(
    site,
    {
      open: () => createReadStream(path, { highWaterMark: 1 << 20 }),
      fileName: `${wanted.serviceName}.sd`,
      sizeBytes,
      description: describedAs(context.jobId),
    },
    {
      signal: context.signal,
      onSent: (sentBytes) => {
        const percent = Math.floor((sentBytes / sizeBytes) * 10) * 10;
        if (percent <= told) return;
        told = percent;
        context
          .progress(percent / 100, `Uploading the definition: ${percent} %`)
          .catch(() => undefined);
      },
    },
  );
  await context.log.info(`Uploaded ${sizeBytes} bytes as ${item.itemId}.`);
  return { itemId: item.itemId, itemName: item.itemName };
}
