import { z } from 'zod';
import { GatewayError } from '../../lib/errors.ts';
import { toText } from '../../sites/service-target.ts';
import { deleteUploadItem } from '../../sites/upload-items.ts';
import { defineStep } from '../step.ts';
import { type Decision, type Publishing, scratchKey, snapshotKey } from './publishing-context.ts';
import type { KnownUploadItem } from './upload-definition.ts';
import type { VerifiedService } from './verify-service.ts';

type Input = Publishing & {
  decision: Decision;
  uploadItem: KnownUploadItem;
  service: VerifiedService;
};

/** Leaves nothing behind but the service, and remembers the definition that made it. */
export const cleanUp = defineStep<Input, object>({
  name: 'clean-up',
  title: 'Cleaning up',
  share: [96, 99],
  result: z.object({}),
  look: async () => undefined, // all of it may be done again
  act: async (input, { signal, jobId }) => {
    await removeUploadItem(input, signal);
    await rememberDefinition(input);
    const { folder } = input.decision.target;
    if (folder !== '') await input.folderUses.leave(input.site.name, folder, jobId);
    await input.storage.deleteBeginning(scratchKey(jobId));
    await input.storage.delete(snapshotKey(jobId));
    return {};
  },
});

/** The site mostly has removed the item itself. The service stands: a refusal here is no failure. */
async function removeUploadItem(
  { site, uploadItem, warn }: Input,
  signal: AbortSignal,
): Promise<void> {
  try {
    await deleteUploadItem(site, uploadItem.itemId, { signal });
  } catch (error) {
    if (!(error instanceof GatewayError) || error.again !== 'never') throw error;
    await warn(`The upload item ${uploadItem.itemId} is left on ${site.name}: ${error.message}`);
  }
}

/** So that a later replacement can be put back in full. The last definition is kept, older ones go. */
async function rememberDefinition({
  site,
  jobId,
  upload,
  uploads,
  published,
  service,
}: Input): Promise<void> {
  const name = toText(service.target);
  const holder = `live:${site.name}:${name.toLowerCase()}`;
  const before = await published.find(site.name, name);
  await uploads.hold(upload.uploadId, holder);
  await published.save(site.name, name, {
    jobId,
    uploadId: upload.uploadId,
    sha256: upload.sha256,
    publishedMs: Date.now(),
    ...(service.lastModifiedMs !== undefined && { lastModifiedMs: service.lastModifiedMs }),
  });
  if (before && before.uploadId !== upload.uploadId) await uploads.letGo(before.uploadId, holder);
}
