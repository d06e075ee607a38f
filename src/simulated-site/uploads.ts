import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SiteRefusal } from './site-refusal.ts';

type Upload = {
  itemID: string;
  itemName: string;
  description: string | null;
  pathOnServer: string;
  date: number;
  committed: boolean;
  serviceName: string;
  contentType: string;
};

/** Who sent it and where it lies: the site keeps that to itself. */
export type StoredUpload = {
  item: Upload;
  file: string;
  owner: string;
  parts: Map<number, string>;
};

/** The default of both spellings of the server property. Esri, "Server Properties". */
export const defaultUploadExtensions = 'soe,sd,sde,odc,csv,txt,zshp,kmz';

/** Upload items and their files. Duplicate names are fine: each upload has an id of its own. */
export class Uploads {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #stored = new Map<string, StoredUpload>();

  constructor(folder: string, now: () => number) {
    this.#folder = folder;
    this.#now = now;
  }

  list(): StoredUpload[] {
    return [...this.#stored.values()];
  }

  find(itemId: string): StoredUpload | undefined {
    return this.#stored.get(itemId);
  }

  /** @throws SiteRefusal 404; the text is not verified */
  get(itemId: string): StoredUpload {
    const stored = this.find(itemId);
    if (!stored) throw new SiteRefusal(404, `The upload item '${itemId}' does not exist.`);
    return stored;
  }

  async register(
    itemName: string,
    description: string | null,
    owner: string,
  ): Promise<StoredUpload> {
    const itemID = `i${randomUUID()}`;
    const folder = join(this.#folder, itemID);
    await mkdir(folder, { recursive: true });
    const file = join(folder, basename(itemName) || 'upload');
    const item: Upload = {
      itemID,
      itemName,
      description,
      pathOnServer: file,
      date: this.#now(),
      committed: false,
      serviceName: '',
      contentType: 'application/octet-stream',
    };
    const stored = { item, file, owner, parts: new Map<number, string>() };
    this.#stored.set(itemID, stored);
    return stored;
  }

  /** Takes a received file over; it is committed from the start. */
  async keep(
    received: { fileName: string; path: string },
    description: string | null,
    owner: string,
  ): Promise<StoredUpload> {
    const stored = await this.register(received.fileName, description, owner);
    await rename(received.path, stored.file);
    stored.item.committed = true;
    return stored;
  }

  async keepPart(stored: StoredUpload, partNumber: number, path: string): Promise<void> {
    const kept = `${stored.file}.${partNumber}`;
    await rename(path, kept);
    stored.parts.set(partNumber, kept);
  }

  /** Joins the parts in the given order, by default in that of their numbers. */
  async commit(stored: StoredUpload, order: number[]): Promise<void> {
    await writeFile(stored.file, '');
    for (const partNumber of order) {
      const part = stored.parts.get(partNumber);
      if (!part) throw new SiteRefusal(500, `Part ${partNumber} of the item is missing.`); // text not verified
      await pipeline(createReadStream(part), createWriteStream(stored.file, { flags: 'a' }));
    }
    for (const part of stored.parts.values()) await rm(part, { force: true });
    stored.parts.clear();
    stored.item.committed = true;
  }

  async sizeOf(stored: StoredUpload): Promise<number> {
    return (await stat(stored.file)).size;
  }

  async remove(itemId: string): Promise<void> {
    this.#stored.delete(itemId);
    await rm(join(this.#folder, itemId), { recursive: true, force: true });
  }

  async clear(): Promise<void> {
    for (const itemId of this.#stored.keys()) await this.remove(itemId);
  }
}
