import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect } from 'vitest';
import { ZipFile } from 'yazl';
import { test as base, begun } from '../../../test/support/job-core.ts';
import { sharedReader } from '../../../test/support/shared-reader.ts';
import { buildServiceDefinition } from '../../documents/service-definition-builder.ts';
import { FolderStorage } from '../../storage/folder-storage.ts';
import { makeUpload } from '../artifact-uploads.ts';
import type { StepContext } from '../step.ts';
import { findInFiles, findOnServer, type Taking, unpackOne } from './find-definitions.ts';
import { EarlierMembers } from './folder-plan.ts';
import { makePlan } from './make-plan.ts';

const test = base.extend<{ prepared: () => Promise<Prepared> }>({
  prepared: async ({ core }, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'source-'));
    await use(async () => {
      const definitions = join(folder, 'definitions');
      await mkdir(definitions, { recursive: true });
      await buildServiceDefinition(join(definitions, 'roads.sd'), { serviceName: 'Roads' });
      const { jobId } = await begun(core);
      const storage = new FolderStorage(join(folder, 'storage'));
      const { signal } = new AbortController();
      return {
        definitions,
        taking: {
          ...{
            jobId,
            owner: 'ci',
            documents: sharedReader(),
            uploads: core.uploads,
            publishRoots: [folder],
          },
          ...{ storage, deadlineMs: Date.now() + 60_000, earlier: new EarlierMembers([]) },
        },
        context: { signal, progress: async () => {}, attempt: 1 } as unknown as StepContext,
      };
    });
    await rm(folder, { recursive: true, force: true });
  },
});
type Prepared = { definitions: string; taking: Taking; context: StepContext };

test('a definition that a killed attempt took in is held until its child holds it', async ({
  core,
  prepared,
}) => {
  const { definitions, taking, context } = await prepared();
  const { jobId } = taking;
  const source = { folder: definitions, recursive: false };
  const [taken] = (await findOnServer(source, taking, context)).definitions;
  const uploadId = taken?.upload?.uploadId ?? '';
  await core.uploads.letGo(uploadId, jobId); // it was killed before it came to that

  const again = (await findOnServer(source, taking, context)).definitions;

  expect(again).toEqual([taken]);
  expect(await core.uploads.findHolders(uploadId)).toEqual([jobId]);
  expect(await core.uploads.removeIfFree(uploadId)).toBe(false);
});

test('what an earlier try unpacked is not unpacked again, and is where it turns out to be needed', async ({
  core,
  prepared,
}) => {
  const { definitions, taking, context } = await prepared();
  const path = join(definitions, 'release.zip');
  const zip = new ZipFile();
  zip.addFile(join(definitions, 'roads.sd'), 'Land/roads.sd');
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
  const file = { uploadId: randomUUID(), owner: 'ci', name: 'release.zip', maxBytes: 2 ** 30 };
  const archive = await makeUpload(file, createReadStream(path), taking);
  const find = async (earlier: EarlierMembers) => {
    const [found] = (await findInFiles([archive], { ...taking, earlier }, context)).definitions;
    return found;
  };
  const first = await find(new EarlierMembers([]));
  const { plan } = makePlan(first ? [first] : [], [], { foldersFromSource: true, after: {} });
  const next = { ...taking, jobId: (await begun(core)).jobId };
  const unpacked = plan[0]?.unpacked;

  const again = await find(new EarlierMembers(plan));
  const gone = await find(new EarlierMembers(plan.map(({ uploadId: _, ...rest }) => rest)));
  const planned = makePlan(gone ? [gone] : [], [], { foldersFromSource: true, after: {} });
  const needed = unpacked && (await unpackOne(unpacked, next, context));

  expect(again?.upload?.uploadId).toBe(first?.upload?.uploadId);
  expect(gone).toMatchObject({ known: { content: { serviceName: 'Roads', type: 'MapServer' } } });
  expect(gone).not.toHaveProperty('upload');
  expect(planned.plan).toEqual(plan.map(({ uploadId: _, ...rest }) => rest));
  expect(needed?.upload?.sha256).toBe(first?.upload?.sha256);
  expect(needed?.upload?.uploadId).not.toBe(first?.upload?.uploadId);
});
