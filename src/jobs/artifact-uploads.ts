import type { Readable } from 'node:stream';
import { v7 as createId } from 'uuid';
import type { DocumentReader } from '../documents/document-reader.ts';
import type { FolderStorage } from '../storage/folder-storage.ts';
import { findArtifact, readArtifact } from './artifact-records.ts';
import {
  inspectUpload,
  storageKeyOfUpload,
  type UploadRecord,
  type UploadRecords,
} from './upload-records.ts';

export type AdoptionDeps = {
  storage: FolderStorage;
  documents: DocumentReader;
  uploads: UploadRecords;
  signal?: AbortSignal | undefined;
};

/**
 * Makes an upload of a file that a job made, so that another job can take it as an input: from then on it is held,
 * looked into and swept like any upload, whatever becomes of the job that made it. Each use has an upload of its own.
 *
 * @returns nothing when there is no such artifact of this owner
 * @throws DocumentError when it is no file that an upload may be
 */
export async function adoptArtifact(
  artifactId: string,
  owner: string,
  deps: AdoptionDeps,
): Promise<UploadRecord | undefined> {
  const { storage } = deps;
  const artifact = await findArtifact(storage, artifactId);
  if (artifact?.owner !== owner) return undefined;
  const { name, sizeBytes } = artifact;
  const file = { uploadId: createId(), owner, name, maxBytes: sizeBytes };
  try {
    return await makeUpload(file, readArtifact(storage, artifact), deps);
  } catch (error) {
    // The job that made it was swept in this moment.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Makes an upload of a file of our own: hashed and looked into like one that came from outside. Whatever goes wrong,
 * nothing is left.
 *
 * @throws DocumentError when it is no file that an upload may be
 */
export async function makeUpload(
  { maxBytes, ...file }: Pick<UploadRecord, 'uploadId' | 'owner' | 'name'> & { maxBytes: number },
  source: Readable,
  { storage, documents, uploads, signal }: AdoptionDeps,
): Promise<UploadRecord> {
  const key = storageKeyOfUpload(file.uploadId);
  const patience = signal ? { signal } : {};
  try {
    const stored = await storage.write(key, source, { maxBytes, ...patience });
    const content = await inspectUpload(key, file.name, { storage, documents, ...patience });
    const upload: UploadRecord = {
      ...file,
      ...stored,
      createdMs: Date.now(),
      ...(content && { content }),
    };
    await uploads.save(upload);
    return upload;
  } catch (error) {
    await storage.delete(key);
    throw error;
  }
}

/** The record first: a file without one is found by nobody and swept as an orphan. */
export async function discardUpload(
  { uploadId }: UploadRecord,
  { uploads, storage }: Pick<AdoptionDeps, 'uploads' | 'storage'>,
): Promise<void> {
  await uploads.remove(uploadId);
  await storage.delete(storageKeyOfUpload(uploadId));
}
