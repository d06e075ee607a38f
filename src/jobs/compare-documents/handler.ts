import { compareContents } from '../../documents/compare-contents.ts';
import type { DocumentContent } from '../../documents/document-content.ts';
import { DocumentError } from '../../lib/errors.ts';
import { borrowUpload, getUpload } from '../document-inputs.ts';
import type { FileLink } from '../file-link.ts';
import type { JobContext } from '../job-type.ts';
import type { CompareDocumentsParams, CompareDocumentsResult } from './schema.ts';

/** Reads only, so there is nothing to take up again and nothing to put back. */
export async function compareDocuments(
  { before, after, folder }: CompareDocumentsParams,
  context: JobContext,
): Promise<CompareDocumentsResult> {
  const one = await read(before, folder, context);
  const other = await read(after, folder, context);
  const differences = compareContents(one.content, other.content);
  if (!differences) {
    throw new DocumentError(
      'unreadable_document',
      `A ${one.content.kind} and a ${other.content.kind} cannot be compared: maps, layer files and projects can with one another, all else with its own kind.`,
    );
  }
  return {
    before: one.shown,
    after: other.shown,
    isSameFile: one.shown.sha256 === other.shown.sha256,
    isSame: differences.length === 0,
    differences,
  };
}

type Read = { content: DocumentContent; shown: CompareDocumentsResult['before'] };

async function read(
  link: FileLink,
  folder: string | undefined,
  context: JobContext,
): Promise<Read> {
  const upload = await getUpload(link, context);
  const { name, sha256 } = upload;
  const content = await borrowUpload(upload, context, (path) =>
    context.documents.readDocument(path, { name, folder, signal: context.signal }),
  );
  return { content, shown: { name, kind: content.kind, sha256 } };
}
