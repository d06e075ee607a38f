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
  { storage, documents, uploads, signal }: AdoptionDeps,
): Promise<UploadRecord | undefined> {
  const artifact = await findArtifact(storage, artifactId);
  if (artifact?.owner !== owner) return undefined;
  const { name, sizeBytes, sha256 } = artifact;
  const uploadId = createId();
  const key = storageKeyOfUpload(uploadId);
  try {
    await storage.write(key, readArtifact(storage, artifact), {
      maxBytes: sizeBytes,
      ...(signal && { signal }),
    });
    const content = await inspectUpload(key, name, {
      storage,
      documents,
      ...(signal && { signal }),
    });
    const upload: UploadRecord = {
      ...{ uploadId, owner, name, sizeBytes, sha256, createdMs: Date.now() },
      ...(content && { content }),
    };
    await uploads.save(upload);
    return upload;
  } catch (error) {
    await storage.delete(key);
    // The job that made it was swept in this moment.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
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
