import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test as base, begun, newJob, savedUpload } from '../../test/support/job-core.ts';
import { type DocumentReader, openDocumentReader } from '../documents/document-reader.ts';
import { buildServiceDefinition } from '../documents/service-definition-builder.ts';
import { FolderStorage } from '../storage/folder-storage.ts';
import { inspectUpload } from './upload-records.ts';

const test = base.extend<{ folder: string; documents: DocumentReader }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'uploads-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above
  documents: async ({}, use) => {
    const documents = openDocumentReader();
    await use(documents);
    await documents.close();
  },
});

test('an upload is found as it was saved, and not once it is removed', async ({ core }) => {
  const upload = {
    uploadId: randomUUID(),
    owner: 'ci',
    name: 'Straßen 道路.sd',
    sizeBytes: 12_345,
    sha256: 'ab',
    createdMs: 1_000,
  };
  await core.uploads.save(upload);
  expect(await core.uploads.find(upload.uploadId)).toEqual(upload);
  expect(await core.uploads.findCreatedBefore(1_000)).toEqual([upload.uploadId]);
  expect(await core.uploads.findCreatedBefore(999)).toEqual([]);

  await core.uploads.hold(upload.uploadId, 'published');
  await core.uploads.remove(upload.uploadId);
  expect(await core.uploads.find(upload.uploadId)).toBeUndefined();
  expect(await core.uploads.findHolders(upload.uploadId)).toEqual([]);
  expect(await core.uploads.findCreatedBefore(1_000)).toEqual([]);
});

test('a hold of our own lasts until it is let go', async ({ core }) => {
  const uploadId = await savedUpload(core);
  await core.uploads.hold(uploadId, 'published:demo:roads.mapserver');
  expect(await core.uploads.findHolders(uploadId)).toEqual(['published:demo:roads.mapserver']);
  await core.uploads.letGo(uploadId, 'somebody else');
  expect(await core.uploads.findHolders(uploadId)).toHaveLength(1);
  await core.uploads.letGo(uploadId, 'published:demo:roads.mapserver');
  expect(await core.uploads.findHolders(uploadId)).toEqual([]);
});

test('an upload that is held is not removed; a job on one that was removed is not accepted', async ({
  core,
}) => {
  const held = await savedUpload(core);
  await begun(core, { uploads: [held] });
  expect(await core.uploads.removeIfFree(held)).toBe(false);
  expect(await core.uploads.find(held)).toMatchObject({ uploadId: held });

  const free = await savedUpload(core);
  expect(await core.uploads.removeIfFree(free)).toBe(true);
  expect(await core.uploads.find(free)).toBeUndefined();
  expect(await core.intake.submit(newJob({ uploads: [free] }))).toEqual({
    kind: 'no-upload',
    uploadId: free,
  });
});

test('of a removal and a job at the same moment only one comes through', async ({ core }) => {
  for (let round = 0; round < 20; round += 1) {
    const uploadId = await savedUpload(core);
    const [isRemoved, outcome] = await Promise.all([
      core.uploads.removeIfFree(uploadId),
      core.intake.submit(newJob({ uploads: [uploadId] })),
    ]);
    expect([isRemoved, outcome.kind]).toEqual([isRemoved, isRemoved ? 'no-upload' : 'accepted']);
    expect((await core.uploads.find(uploadId)) === undefined).toBe(isRemoved);
  }
});

test('an upload is looked into by what it is, not by its name', async ({
  core,
  folder,
  documents,
}) => {
  const storage = new FolderStorage(folder);
  const deps = { storage, documents };
  const definition = join(folder, 'roads.sd');
  await buildServiceDefinition(definition, { serviceName: 'Roads', layers: ['Roads'] });
  const content = await inspectUpload('roads.sd', 'no name at all', deps);
  expect(content).toMatchObject({ serviceName: 'Roads', type: 'MapServer' });
  if (!content) throw new Error('no content');
  const uploadId = await savedUpload(core);
  const plain = { uploadId, owner: 'ci', name: 'roads', sizeBytes: 1, sha256: 'a', createdMs: 1 };
  await core.uploads.save({ ...plain, content });
  expect((await core.uploads.find(uploadId))?.content).toEqual(content);

  await writeFile(join(folder, 'text'), 'no archive');
  await writeFile(join(folder, 'empty'), '');
  expect(await inspectUpload('text', 'text.sd', deps)).toBeUndefined();
  expect(await inspectUpload('empty', 'empty.sd', deps)).toBeUndefined();
});

test('a damaged archive is refused where it is called a definition', async ({
  folder,
  documents,
}) => {
  const storage = new FolderStorage(folder);
  const broken = Buffer.concat([Buffer.from('377abcaf271c', 'hex'), Buffer.alloc(100)]);
  await writeFile(join(folder, 'broken'), broken);
  const deps = { storage, documents };
  await expect(inspectUpload('broken', 'roads.SD', deps)).rejects.toMatchObject({
    code: expect.stringMatching(/unreadable_document|archive_rejected/),
  });
  await expect(inspectUpload('gone', 'roads.sd', deps)).rejects.toMatchObject({ code: 'ENOENT' });
});
