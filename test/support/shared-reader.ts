import { type DocumentReader, openDocumentReader } from '../../src/documents/document-reader.ts';

let shared: DocumentReader | undefined;

/**
 * One for all tests of this process, for its own process takes a second to start. It ends by itself: when nothing was
 * read for a while, and with this process.
 */
export function sharedReader(): DocumentReader {
  shared ??= openDocumentReader();
  return shared;
}
