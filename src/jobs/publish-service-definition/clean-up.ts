import { z } from 'zod';
import { GatewayError } from '../../lib/errors.ts';
import { toText } from '../../sites/service-target.ts';
import { deleteUploadItem, findUploadItems } from '../../sites/upload-items.ts';
import { defineStep } from '../step.ts';
import { contentKeyOf, shapingInputs } from './content-key.ts';
import {
  type Decision,
  describedAs,
  type Publishing,
  removeFilesOf,
} from './publishing-context.ts';
import type { KnownUploadItem } from './upload-definition.ts';
import type { VerifiedService } from './verify-service.ts';

type Input = Publishing & {
  decision: Decision;
  uploadItem: KnownUploadItem;
  service: VerifiedService;
};

/** Leaves nothing behind but the service, and remembers the definition that made it. */
const CleanedUp = z.object({ version: z.number().optional() });

export const cleanUp = defineStep<Input, z.output<typeof CleanedUp>>({
  name: 'clean-up',
  title: 'Cleaning up',
  share: [96, 99],
  result: CleanedUp,
  look: async () => undefined, // all of it may be done again
  act: async (input, { signal, jobId }) => {
    await removeUploadItems(input, signal);
    const version = await rememberPublish(input);
    const { folder } = input.decision.target;
    if (folder !== '') await input.folderUses.leave(input.site.name, folder, jobId);
    await removeFilesOf(jobId, input.storage);
    return { version };
  },
});

/**
 * The site mostly has removed the item itself; one of an earlier attempt may have arrived after that was given up
 * for lost. The service stands: a refusal here is no failure.
 */
async function removeUploadItems(
  { site, uploadItem, jobId, warn }: Input,
  signal: AbortSignal,
): Promise<void> {
  try {
    await deleteUploadItem(site, uploadItem.itemId, { signal });
    const left = await findUploadItems(site, describedAs(jobId), { signal });
    for (const { itemId } of left) await deleteUploadItem(site, itemId, { signal });
  } catch (error) {
    if (!(error instanceof GatewayError) || error.again !== 'never') throw error;
    await warn(
      `The upload item ${uploadItem.itemId} may be left on ${site.name}: ${error.message}`,
    );
  }
}

/** So that a later replacement can be put back in full, and the same again is known to be the same. */
async function rememberPublish(input: Input): Promise<number> {
  const { site, params, decision, upload, ledger, service } = input;
  const name = toText(service.target);
  const { lastModifiedMs, settingsDigest, configuredState } = service;
  const contentKey = contentKeyOf(input);
  // What could not be proven now may have been proven when it was published before.
  const isProven =
    service.verification !== 'unproven' ||
    (await ledger.findLive(site.name, name))?.live.contentKey === contentKey;
  const entry = {
    ...toEntry(input),
    result: decision.action === 'replace' ? ('replaced' as const) : ('created' as const),
    verification: service.verification,
  };
  return ledger.record(site.name, name, entry, {
    uploadId: upload.uploadId,
    live: {
      verify: params.verify,
      ...(lastModifiedMs !== undefined && { lastModifiedMs }),
      ...(settingsDigest !== undefined && { settingsDigest }),
      ...(configuredState !== undefined && { configuredState }),
      ...(isProven && { contentKey }),
    },
  });
}

/** What the ledger remembers of any publish, however it ends. */
export function toEntry({ jobId, owner, params, upload, rollbackOf }: Publishing) {
  return {
    jobId,
    owner,
    publishedMs: Date.now(),
    sha256: upload.sha256,
    fileName: upload.name,
    sizeBytes: upload.sizeBytes,
    inputs: shapingInputs(params),
    ...(rollbackOf !== undefined && { rollbackOf }),
  };
}
