import { open } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import type { DocumentContent } from '../documents/document-content.ts';
import type { DocumentReader } from '../documents/document-reader.ts';
import { findForm } from '../documents/read-document.ts';
import { DocumentError } from '../lib/errors.ts';
import type { FolderStorage } from '../storage/folder-storage.ts';
import type { JobKeys } from './job-keys.ts';

/** A file that a caller sent. `content` is what it turned out to hold, where we know how to look. */
export type UploadRecord = {
  uploadId: string;
  owner: string;
  name: string;
  sizeBytes: number;
  sha256: string;
  createdMs: number;
  content?: DocumentContent;
};

/** So many are kept in memory, and of those with much in them none. */
const mostKnown = 200;
const longestKnown = 32_768;

export const uploadFolder = 'uploads';

export function storageKeyOfUpload(uploadId: string): string {
  return `${uploadFolder}/${uploadId}`;
}

/** What is known of uploads, beside the files themselves in storage. */
export class UploadRecords {
  readonly #redis: Redis;
  readonly #keys: JobKeys;
  /** The last ones that were asked for, oldest first. */
  readonly #known = new Map<string, UploadRecord>();

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async save(upload: UploadRecord): Promise<void> {
    const { content, ...plain } = upload;
    const text = content && JSON.stringify(content);
    await this.#redis
      .multi()
      .hset(this.#keys.upload(upload.uploadId), { ...plain, ...(text && { content: text }) })
      .zadd(this.#keys.uploads, upload.createdMs, upload.uploadId)
      .exec();
    this.#remember(upload, text);
  }

  async find(uploadId: string): Promise<UploadRecord | undefined> {
    const hash = await this.#redis.hgetall(this.#keys.upload(uploadId));
    if (!hash.uploadId) return undefined;
    const upload: UploadRecord = {
      uploadId: hash.uploadId,
      owner: hash.owner ?? '',
      name: hash.name ?? '',
      sizeBytes: Number(hash.sizeBytes),
      sha256: hash.sha256 ?? '',
      createdMs: Number(hash.createdMs),
      ...(hash.content && { content: JSON.parse(hash.content) as DocumentContent }),
    };
    this.#remember(upload, hash.content);
    return upload;
  }

  /**
   * As it was when this process saw it last: all of it stays as it is for as long as it is there. Whether it still is
   * shows when a job is written that needs it.
   */
  async recall(uploadId: string): Promise<UploadRecord | undefined> {
    return this.#known.get(uploadId) ?? this.find(uploadId);
  }

  /** The next time it is read again. */
  forget(uploadId: string): void {
    this.#known.delete(uploadId);
  }

  #remember(upload: UploadRecord, content = ''): void {
    this.#known.delete(upload.uploadId);
    if (content.length <= longestKnown) this.#known.set(upload.uploadId, upload);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= mostKnown) return;
      this.#known.delete(oldest);
    }
  }

  /** From now on the file goes when the job that needs it has ended, failed or not. */
  async markSecret(uploadId: string): Promise<void> {
    const script = `if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'isSecret', 1) end`;
    await this.#redis.eval(script, 1, this.#keys.upload(uploadId));
  }

  /** Those with a secret that a job has ended with. */
  async findToWipe(): Promise<string[]> {
    return this.#redis.smembers(this.#keys.uploadsToWipe);
  }

  /** The file is gone. */
  async forgetToWipe(uploadId: string): Promise<void> {
    await this.#redis.srem(this.#keys.uploadsToWipe, uploadId);
  }

  /** The jobs that need the file now: not ended, or failed lately and open to a retry. */
  async findHolders(uploadId: string): Promise<string[]> {
    return this.#redis.zrangebyscore(this.#keys.uploadHolds(uploadId), String(Date.now()), '+inf');
  }

  /** Keeps the file for a reason of our own: as the definition that made a live service. */
  async hold(uploadId: string, holder: string): Promise<void> {
    await this.#redis.zadd(this.#keys.uploadHolds(uploadId), '+inf', holder);
  }

  /** Keeps the file until a time, for whoever makes jobs of it by then. */
  async holdUntil(uploadId: string, holder: string, untilMs: number): Promise<void> {
    await this.#redis.zadd(this.#keys.uploadHolds(uploadId), untilMs, holder);
  }

  async letGo(uploadId: string, holder: string): Promise<void> {
    await this.#redis.zrem(this.#keys.uploadHolds(uploadId), holder);
  }

  /** Oldest first; those that are held for long come again and again. */
  async findCreatedBefore(ms: number): Promise<string[]> {
    return this.#redis.zrangebyscore(this.#keys.uploads, '-inf', String(ms));
  }

  async count(): Promise<number> {
    return this.#redis.zcard(this.#keys.uploads);
  }

  async findOldest(count: number): Promise<string[]> {
    return this.#redis.zrange(this.#keys.uploads, '0', String(count - 1));
  }

  /**
   * Removes the record unless somebody needs the file, in one piece: no job can be accepted on it between.
   *
   * @returns false when it is held
   */
  async removeIfFree(uploadId: string): Promise<boolean> {
    this.forget(uploadId);
    const script = `
      if redis.call('ZCOUNT', KEYS[2], ARGV[1], '+inf') > 0 then return 0 end
      redis.call('DEL', KEYS[1], KEYS[2])
      redis.call('ZREM', KEYS[3], ARGV[2])
      return 1`;
    const { upload, uploadHolds, uploads } = this.#keys;
    const keys = [upload(uploadId), uploadHolds(uploadId), uploads];
    return (await this.#redis.eval(script, 3, ...keys, Date.now(), uploadId)) === 1;
  }

  /** The record goes first: a file without a record is found by nobody and swept as an orphan. */
  async remove(uploadId: string): Promise<void> {
    this.forget(uploadId);
    await this.#redis
      .multi()
      .del(this.#keys.upload(uploadId), this.#keys.uploadHolds(uploadId))
      .zrem(this.#keys.uploads, uploadId)
      .exec();
  }
}

const sevenZip = Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]);
const documentNames = /\.(?:sd|sddraft|aprx|mapx|lyrx|sde|mpkx|lpkx|ppkx|mpk|lpk|gpk)$/i;

/**
 * Looks into a file where we know how to. What is no document of ArcGIS has no content: it may be kept all the
 * same, and is refused where a document is asked for.
 *
 * @throws DocumentError for an archive that breaks a safety limit, or a file that is damaged and by its name one of
 *   ours
 */
export async function inspectUpload(
  key: string,
  name: string,
  deps: { storage: FolderStorage; documents: DocumentReader; signal?: AbortSignal },
): Promise<DocumentContent | undefined> {
  return deps.storage.borrow(key, async (path) => {
    if ((await findForm(path)) === undefined) return undefined;
    try {
      return await deps.documents.readDocument(path, { name, signal: deps.signal });
    } catch (error) {
      if (!(error instanceof DocumentError) || documentNames.test(name)) throw error;
      if (error.code === 'archive_rejected' && (await beginsWith(path, sevenZip))) throw error;
      return undefined;
    }
  });
}

async function beginsWith(path: string, signature: Buffer): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(signature.length), 0, signature.length, 0);
    return buffer.equals(signature);
  } finally {
    await handle.close();
  }
}
