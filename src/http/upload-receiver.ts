import type { IncomingHttpHeaders } from 'node:http';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { v7 as createId } from 'uuid';
import { discardUpload } from '../jobs/artifact-uploads.ts';
import { inspectUpload, storageKeyOfUpload, type UploadRecord } from '../jobs/upload-records.ts';
import { GatewayError, RequestError, StorageExhaustedError } from '../lib/errors.ts';
import { checkDigests, type FileDigest } from './file-digest.ts';
import type { HttpDeps } from './http-deps.ts';

/** Room that is kept free on the disk of storage: below it nothing is taken in. */
export const leastFreeBytes = 256 * 2 ** 20;
/** What the parts of a multipart request may weigh beside the file. */
const multipartOverheadBytes = 16 * 2 ** 20;

type IncomingFile = {
  name: string;
  source: Readable & { truncated?: boolean };
  digests?: readonly FileDigest[];
};

type Deps = Pick<HttpDeps, 'storage' | 'documents' | 'uploads' | 'uploadsConfig' | 'metrics'>;

/** Takes files in: streams them to storage, hashes them on the way and looks into them. */
export class UploadReceiver {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /**
   * Whatever goes wrong, no file and no record is left behind.
   *
   * @throws RequestError payload_too_large, malformed_request when the file breaks off, or
   *   validation_error when the digest is another
   * @throws DocumentError for an archive that breaks a safety limit, or a definition that is damaged
   */
  async receive(owner: string, file: IncomingFile, signal: AbortSignal): Promise<UploadRecord> {
    const { uploadsOpen, uploadDuration, uploadBytes, uploadsRejected } = this.#deps.metrics;
    const endTimer = uploadDuration.startTimer();
    uploadsOpen.inc();
    try {
      const upload = await this.#receive(owner, file, signal);
      endTimer();
      uploadBytes.inc(upload.sizeBytes);
      return upload;
    } catch (error) {
      uploadsRejected.inc({ reason: toReason(error, signal) });
      throw error;
    } finally {
      uploadsOpen.dec();
    }
  }

  async #receive(owner: string, file: IncomingFile, signal: AbortSignal): Promise<UploadRecord> {
    const { storage, documents, uploads, uploadsConfig } = this.#deps;
    const uploadId = createId();
    const key = storageKeyOfUpload(uploadId);
    try {
      const stored = await storage.write(key, file.source, {
        maxBytes: uploadsConfig.maxBytes,
        signal,
      });
      if (file.source.truncated) throw tooLarge(uploadsConfig.maxBytes); // the parser cuts off without a word
      checkDigests(stored.sha256, file.digests ?? []);
      const name = toDisplayName(file.name);
      const content = await inspectUpload(key, name, { storage, documents, signal });
      const upload = {
        uploadId,
        owner,
        name,
        ...stored,
        createdMs: Date.now(),
        ...(content && { content }),
      };
      await uploads.save(upload);
      return upload;
    } catch (error) {
      await storage.delete(key);
      const hasBrokenOff = file.source.errored && !(error instanceof GatewayError);
      throw hasBrokenOff ? brokenOff(error) : error;
    }
  }

  async discard(upload: UploadRecord): Promise<void> {
    await discardUpload(upload, this.#deps);
  }

  /**
   * Refuses a file by its announced size before a byte of it is read.
   *
   * @throws RequestError payload_too_large
   * @throws StorageExhaustedError
   */
  async checkRoom(headers: IncomingHttpHeaders): Promise<void> {
    const announced = Number(headers['content-length'] ?? 0);
    const { maxBytes } = this.#deps.uploadsConfig;
    if (announced > maxBytes + multipartOverheadBytes) throw tooLarge(maxBytes);
    const free = await this.#deps.storage.readFreeBytes();
    if (free - announced < leastFreeBytes) {
      throw new StorageExhaustedError('There is no room for a file of this size at the moment.');
    }
  }
}

function toReason(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'caller_gone';
  return error instanceof GatewayError ? error.code : 'internal_error';
}

/** The parser of forms, or the connection, ended the file before its end. */
function brokenOff(cause: unknown): RequestError {
  return new RequestError('malformed_request', 'The file breaks off before its end.', { cause });
}

function tooLarge(maxBytes: number): RequestError {
  return new RequestError('payload_too_large', `The file is larger than ${maxBytes} bytes.`);
}

/** A name to be shown, never used as a path: controls and marks of direction are left out. */
function toDisplayName(name: string): string {
  const last = basename(name.replaceAll('\\', '/'));
  return (
    last
      .replaceAll(/[\p{Cc}\p{Cf}]/gu, '')
      .trim()
      .slice(0, 200) || 'unnamed'
  );
}
