import { open } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import type { DocumentReader } from '../documents/document-reader.ts';
import type { ServiceDefinitionContent } from '../documents/service-definition.ts';
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
  content?: ServiceDefinitionContent;
};

export function storageKeyOfUpload(uploadId: string): string {
  return `uploads/${uploadId}`;
}

/** What is known of uploads, beside the files themselves in storage. */
export class UploadRecords {
  readonly #redis: Redis;
  readonly #keys: JobKeys;

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async save(upload: UploadRecord): Promise<void> {
    const { content, ...plain } = upload;
    await this.#redis
      .multi()
      .hset(this.#keys.upload(upload.uploadId), {
        ...plain,
        ...(content && { content: JSON.stringify(content) }),
      })
      .zadd(this.#keys.uploads, upload.createdMs, upload.uploadId)
      .exec();
  }

  async find(uploadId: string): Promise<UploadRecord | undefined> {
    const hash = await this.#redis.hgetall(this.#keys.upload(uploadId));
    if (!hash.uploadId) return undefined;
    return {
      uploadId: hash.uploadId,
      owner: hash.owner ?? '',
      name: hash.name ?? '',
      sizeBytes: Number(hash.sizeBytes),
      sha256: hash.sha256 ?? '',
      createdMs: Number(hash.createdMs),
      ...(hash.content && { content: JSON.parse(hash.content) as ServiceDefinitionContent }),
    };
  }

  /** The jobs that need the file now: not ended, or failed lately and open to a retry. */
  async findHolders(uploadId: string): Promise<string[]> {
    return this.#redis.zrangebyscore(this.#keys.uploadHolds(uploadId), String(Date.now()), '+inf');
  }

  /** Keeps the file for a reason of our own: as the definition that made a live service. */
  async hold(uploadId: string, holder: string): Promise<void> {
    await this.#redis.zadd(this.#keys.uploadHolds(uploadId), '+inf', holder);
  }

  async letGo(uploadId: string, holder: string): Promise<void> {
    await this.#redis.zrem(this.#keys.uploadHolds(uploadId), holder);
  }

  async findCreatedBefore(ms: number, count: number): Promise<string[]> {
    return this.#redis.zrangebyscore(this.#keys.uploads, '-inf', String(ms), 'LIMIT', 0, count);
  }

  /** The record goes first: a file without a record is found by nobody and swept as an orphan. */
  async remove(uploadId: string): Promise<void> {
    await this.#redis
      .multi()
      .del(this.#keys.upload(uploadId), this.#keys.uploadHolds(uploadId))
      .zrem(this.#keys.uploads, uploadId)
      .exec();
  }
}

const sevenZip = Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]);

/**
 * Looks into a file where we know how to. What is no service definition has no content: it may be kept
 * all the same, and is refused where a definition is asked for.
 *
 * @throws DocumentError for an archive that breaks a safety limit, or a definition that is damaged
 */
export async function inspectUpload(
  key: string,
  name: string,
  deps: { storage: FolderStorage; documents: DocumentReader; signal?: AbortSignal },
): Promise<ServiceDefinitionContent | undefined> {
  return deps.storage.borrow(key, async (path) => {
    if (!(await beginsWith(path, sevenZip))) return undefined;
    try {
      return await deps.documents.readServiceDefinition(
        path,
        deps.signal ? { signal: deps.signal } : {},
      );
    } catch (error) {
      const isOtherArchive = !/\.sd$/i.test(name);
      if (isOtherArchive && error instanceof DocumentError && error.code === 'unreadable_document')
        return undefined;
      throw error;
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
