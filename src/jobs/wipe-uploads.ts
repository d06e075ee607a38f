import type { FolderStorage } from '../storage/folder-storage.ts';
import { storageKeyOfUpload, type UploadRecords } from './upload-records.ts';

/**
 * Deletes the files with a secret whose jobs have ended. The record goes first and the mark last: whoever
 * dies between has it done once more.
 */
export async function wipeUploads({
  uploads,
  storage,
}: {
  uploads: UploadRecords;
  storage: FolderStorage;
}): Promise<void> {
  for (const uploadId of await uploads.findToWipe()) {
    if (!(await uploads.removeIfFree(uploadId))) continue; // another job needs it still
    await storage.delete(storageKeyOfUpload(uploadId));
    await uploads.forgetToWipe(uploadId);
  }
}
