import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RequestError, StorageExhaustedError } from '../lib/errors.ts';

export type StoredFile = { sizeBytes: number; sha256: string };

/** Folder of files that are made and used by one process, and gone with it unless it was killed. */
export const scratch = 'scratch';

/** Chunks of 1 MiB: with the default of 64 KiB both hashing and disk are half as fast. */
const chunkBytes = 1 << 20;

/**
 * Files in a local folder, or one that http and workers share. Always streamed; a file appears under
 * its key only when it is whole. Keys are made by Pressroom, never by callers.
 */
export class FolderStorage {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = resolve(folder);
  }

  /**
   * Streams into storage, hashing on the way. Whatever goes wrong, nothing is left behind.
   *
   * @throws RequestError payload_too_large past `maxBytes`
   * @throws StorageExhaustedError when the disk is full
   */
  async write(
    key: string,
    source: Readable,
    options: { maxBytes: number; signal?: AbortSignal },
  ): Promise<StoredFile> {
    const path = this.#pathOf(key);
    const partial = partialOf(path);
    const hash = createHash('sha256');
    let sizeBytes = 0;
    const measure = new Transform({
      highWaterMark: chunkBytes,
      transform(chunk: Buffer, _encoding, done) {
        sizeBytes += chunk.length;
        if (sizeBytes > options.maxBytes) {
          done(
            new RequestError(
              'payload_too_large',
              `The file is larger than ${options.maxBytes} bytes.`,
            ),
          );
          return;
        }
        hash.update(chunk);
        done(null, chunk);
      },
    });
    let sink: WriteStream | undefined;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      sink = createWriteStream(partial, {
        flags: 'wx',
        mode: 0o600,
        highWaterMark: chunkBytes,
        flush: true,
      });
      await pipeline(source, measure, sink, options.signal ? { signal: options.signal } : {});
      await rename(partial, path);
      await syncFolder(dirname(path));
    } catch (error) {
      if (sink) await untilClosed(sink); // it may be about to make the file still
      await rm(partial, { force: true });
      throw toStorageError(error);
    }
    return { sizeBytes, sha256: hash.digest('hex') };
  }

  /**
   * Small texts, such as what a service was before it was replaced. Written whole or not at all.
   *
   * @throws StorageExhaustedError when the disk is full
   */
  async writeText(key: string, text: string): Promise<void> {
    const path = this.#pathOf(key);
    const partial = partialOf(path);
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(partial, text, { mode: 0o600, flush: true });
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw toStorageError(error);
    }
  }

  /** @returns nothing when there is no such file */
  async findText(key: string): Promise<string | undefined> {
    return readFile(this.#pathOf(key), 'utf8').catch(orUndefinedIfMissing);
  }

  read(key: string): Readable {
    return createReadStream(this.#pathOf(key), { highWaterMark: chunkBytes });
  }

  async findSize(key: string): Promise<number | undefined> {
    return (await stat(this.#pathOf(key)).catch(orUndefinedIfMissing))?.size;
  }

  /** Lends the file as a path on this machine; the path must not be kept nor written to. */
  async borrow<T>(key: string, use: (path: string) => Promise<T>): Promise<T> {
    return use(this.#pathOf(key));
  }

  /**
   * Lends a path below storage for a file that is made and used there, and removes it afterwards.
   *
   * @throws StorageExhaustedError when the disk is full
   */
  async scratch<T>(key: string, use: (path: string) => Promise<T>): Promise<T> {
    const path = this.#pathOf(key);
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      return await use(path);
    } catch (error) {
      throw toStorageError(error);
    } finally {
      await rm(path, { force: true });
    }
  }

  /** Does nothing when there is no such file. */
  async delete(key: string): Promise<void> {
    await rm(this.#pathOf(key), { force: true });
  }

  /** Removes every file of a folder whose name begins so. */
  async deleteBeginning(key: string): Promise<void> {
    const path = this.#pathOf(key);
    const names = await readdir(dirname(path)).catch(orUndefinedIfMissing);
    for (const name of names ?? []) {
      if (name.startsWith(basename(path))) await rm(join(dirname(path), name), { force: true });
    }
  }

  /** Keys of the whole files in a folder that nobody has touched since a time. */
  async findUntouched(folder: string, sinceMs: number): Promise<string[]> {
    const names = await readdir(this.#pathOf(folder)).catch(orUndefinedIfMissing);
    const untouched: string[] = [];
    for (const name of names ?? []) {
      const key = `${folder}/${name}`;
      const found = await stat(this.#pathOf(key)).catch(orUndefinedIfMissing);
      if (found?.isFile() && found.mtimeMs < sinceMs && !name.endsWith('.part'))
        untouched.push(key);
    }
    return untouched;
  }

  /** Every file of a folder, that which was touched longest ago first. */
  async findByAge(folder: string): Promise<{ key: string; touchedMs: number }[]> {
    const names = await readdir(this.#pathOf(folder)).catch(orUndefinedIfMissing);
    const found: { key: string; touchedMs: number }[] = [];
    for (const name of names ?? []) {
      const key = `${folder}/${name}`;
      const file = await stat(this.#pathOf(key)).catch(orUndefinedIfMissing);
      if (file?.isFile()) found.push({ key, touchedMs: file.mtimeMs });
    }
    return found.sort((a, b) => a.touchedMs - b.touchedMs);
  }

  async readFreeBytes(): Promise<number> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(this.#folder);
    return bavail * bsize;
  }

  /** @throws when the folder cannot be written to */
  async prove(): Promise<void> {
    const key = `probe-${randomUUID()}`; // several containers may share the folder and the process id
    await this.writeText(key, 'probe');
    await this.delete(key);
  }

  /** Removes what broken-off writes and processes that died left, if nobody has touched it since a time. */
  async sweepPartials(untouchedSinceMs: number): Promise<number> {
    const names = await readdir(this.#folder, { recursive: true }).catch(() => []);
    let removed = 0;
    const isLeaving = (name: string) => name.endsWith('.part') || name.startsWith(scratch + sep);
    for (const name of names.filter(isLeaving)) {
      const path = join(this.#folder, name);
      const found = await stat(path).catch(orUndefinedIfMissing);
      if (!found || found.mtimeMs > untouchedSinceMs) continue;
      await rm(path, { force: true });
      removed += 1;
    }
    return removed;
  }

  #pathOf(key: string): string {
    const path = resolve(this.#folder, key);
    if (!path.startsWith(this.#folder + sep)) throw new Error(`The key ${key} leaves the storage`);
    return path;
  }
}

/** Another one each time: what a killed process left is in nobody's way, and two attempts never share one. */
function partialOf(path: string): string {
  return `${path}.${randomUUID()}.part`;
}

async function untilClosed(sink: WriteStream): Promise<void> {
  if (sink.closed) return;
  const closed = new Promise<void>((resolve) => sink.once('close', resolve));
  sink.destroy();
  await closed;
}

/** A rename survives a power cut only when its folder is written too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @returns a StorageExhaustedError for what says that the disk is full, and anything else as it is */
export function toStorageError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return isFull
    ? new StorageExhaustedError('There is no room for the file.', { cause: error })
    : error;
}

function orUndefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
