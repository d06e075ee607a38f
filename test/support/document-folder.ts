import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base } from 'vitest';
import { defaultArchiveLimits } from '../../src/documents/archive-limits.ts';
import type { DocumentContent, MapContent } from '../../src/documents/document-content.ts';
import { editMap, type MapEdited } from '../../src/documents/edit-map.ts';
import { MapEdits } from '../../src/documents/map-edits.ts';
import { readDocument } from '../../src/documents/read-document.ts';
import { openZip, readZipMember } from '../../src/documents/zip-file.ts';

const limits = defaultArchiveLimits;
const patienceMs = 30_000;

export async function inspect(path: string, folder?: string): Promise<DocumentContent> {
  const deadline = Date.now() + patienceMs;
  return readDocument(path, { name: path, folder, limits, deadline });
}

export async function inspectMaps(path: string, folder?: string): Promise<MapContent> {
  const content = await inspect(path, folder);
  if ('maps' in content) return content;
  throw new Error(`${path} is a ${content.kind}`);
}

type Edits = Parameters<typeof MapEdits.parse>[0];
export type Edited = MapEdited & { path: string; content: MapContent; bytes: Buffer };

/** A folder of documents, and what is done with them, in this process. */
export class DocumentFolder {
  readonly path: string;
  #count = 0;

  constructor(path: string) {
    this.path = path;
  }

  newPath(ending = ''): string {
    this.#count += 1;
    return join(this.path, `document-${this.#count}${ending}`);
  }

  async write(content: string | Buffer, ending = ''): Promise<string> {
    const path = this.newPath(ending);
    await writeFile(path, content);
    return path;
  }

  /** The text of a member of a zip. */
  async read(zipBytes: Buffer, member: string): Promise<string> {
    const zip = await openZip(await this.write(zipBytes), limits);
    const found = zip.members.find(({ name }) => name === member);
    const content = found && (await readZipMember(zip, found));
    await zip.handle.close();
    return String(content);
  }

  /** Edits a document that is given by its content, and reads what was written. */
  async edit(
    document: string | Buffer,
    edits: Edits,
    layerFile?: string | Buffer,
  ): Promise<Edited> {
    const source = await this.write(document);
    const layers = layerFile === undefined ? undefined : await this.write(layerFile);
    const path = this.newPath();
    const parsed = MapEdits.parse(edits);
    const editing = { source, target: path, layerFile: layers, edits: parsed };
    const edited = await editMap(editing, { limits });
    return { ...edited, path, content: await inspectMaps(path), bytes: await readFile(path) };
  }
}

export const test = base.extend<{ folder: DocumentFolder }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  folder: async ({}, use) => {
    const path = await mkdtemp(join(tmpdir(), 'documents-'));
    await use(new DocumentFolder(path));
    await rm(path, { recursive: true, force: true });
  },
});
