import { DocumentError, RequestError } from '../lib/errors.ts';
import { type FileLink, uploadIdOf } from './file-link.ts';
import type { AcceptanceFacts, JobContext } from './job-type.ts';
import { storageKeyOfUpload, type UploadRecord } from './upload-records.ts';

/** @throws DocumentError when it was deleted since the job was asked for */
export async function getUpload(
  link: FileLink,
  { uploads }: Pick<JobContext, 'uploads'>,
): Promise<UploadRecord> {
  const upload = await uploads.find(uploadIdOf(link, []));
  if (upload) return upload;
  throw new DocumentError(
    'unreadable_document',
    'The document is not there any more. Upload it again.',
  );
}

/** Lends the file of an upload as a path. */
export async function borrowUpload<T>(
  upload: UploadRecord,
  { storage }: Pick<JobContext, 'storage'>,
  use: (path: string) => Promise<T>,
): Promise<T> {
  return storage.borrow(storageKeyOfUpload(upload.uploadId), use);
}

/**
 * Refuses a file that is no document of the kinds that a job type takes, before it is queued.
 *
 * @throws RequestError unreadable_document with a pointer to the input
 */
export function checkKinds(
  input: string,
  kinds: readonly string[],
  { uploads }: AcceptanceFacts,
): void {
  const upload = uploads[input];
  if (!upload) return;
  const kind = upload.content?.kind;
  if (kind !== undefined && kinds.includes(kind)) return;
  const isArcMap = kind === 'arcmap-document';
  const detail = isArcMap
    ? 'is a document of ArcMap: import it into a project with ArcPy first'
    : `is ${kind === undefined ? 'no document of ArcGIS that can be read' : `a ${kind}`}; wanted: ${kinds.join(', ')}`;
  throw new RequestError('unreadable_document', `The ${input} ${detail}.`, {
    errors: [{ pointer: `#/inputs/${input}`, code: 'unreadable_document', detail }],
  });
}

/** `roads.mapx` as `roads-edited.mapx`; a name that was sent wins. */
export function toArtifactName(fileName: string, wanted: string | undefined): string {
  const [, base = fileName, ending = ''] = /^(.*?)(\.[a-z0-9]{1,10})$/i.exec(fileName) ?? [];
  if (wanted === undefined) return `${base}-edited${ending}`;
  return wanted.toLowerCase().endsWith(ending.toLowerCase()) ? wanted : wanted + ending;
}
