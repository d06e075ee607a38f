import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { begun, test } from '../../../test/support/job-core.ts';
import { openDocumentReader } from '../../documents/document-reader.ts';
import { buildServiceDefinition } from '../../documents/service-definition-builder.ts';
import { FolderStorage } from '../../storage/folder-storage.ts';
import type { StepContext } from '../step.ts';
import { findOnServer } from './find-definitions.ts';

test('a definition that a killed attempt took in is held until its child holds it', async ({
  core,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'source-'));
  const documents = openDocumentReader();
  try {
    const definitions = join(folder, 'definitions');
    await mkdir(definitions);
    await buildServiceDefinition(join(definitions, 'roads.sd'), { serviceName: 'Roads' });
    const { jobId } = await begun(core);
    const taking = {
      ...{ jobId, owner: 'ci', documents, uploads: core.uploads, publishRoots: [folder] },
      storage: new FolderStorage(join(folder, 'storage')),
      deadlineMs: Date.now() + 60_000,
    };
    const { signal } = new AbortController();
    const context = { signal, progress: async () => {}, attempt: 1 } as unknown as StepContext;
    const source = { folder: definitions, recursive: false };
    const [taken] = (await findOnServer(source, taking, context)).definitions;
    const uploadId = taken?.upload?.uploadId ?? '';
    await core.uploads.letGo(uploadId, jobId); // it was killed before it came to that

    const again = (await findOnServer(source, taking, context)).definitions;

    expect(again).toEqual([taken]);
    expect(await core.uploads.findHolders(uploadId)).toEqual([jobId]);
    expect(await core.uploads.removeIfFree(uploadId)).toBe(false);
  } finally {
    await documents.close();
    await rm(folder, { recursive: true, force: true });
  }
});
