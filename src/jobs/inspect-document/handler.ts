import { borrowUpload, getUpload } from '../document-inputs.ts';
import type { JobContext } from '../job-type.ts';
import type { InspectDocumentParams, InspectDocumentResult } from './schema.ts';

/** Reads only, so there is nothing to take up again and nothing to put back. */
export async function inspectDocument(
  { document, folder }: InspectDocumentParams,
  context: JobContext,
): Promise<InspectDocumentResult> {
  const upload = await getUpload(document, context);
  const { name, sizeBytes, sha256 } = upload;
  const content = await borrowUpload(upload, context, (path) =>
    context.documents.readDocument(path, { name, folder, signal: context.signal }),
  );
  return { name, sizeBytes, sha256, content };
}
