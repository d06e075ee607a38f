import { rm, stat } from 'node:fs/promises';
import { type ArchiveLimits, defaultArchiveLimits } from './archive-limits.ts';
import { ArchiveProcess } from './archive-process.ts';
import { checkSignature } from './archive-signature.ts';
import { DocumentContent } from './document-content.ts';
import type { DraftEdited, DraftEditTask } from './edit-draft-file.ts';
import type { MapEdited, MapEditing } from './edit-map.ts';
import { ServiceDefinitionContent } from './service-definition.ts';
import type { ZipEntry } from './unpack-zip.ts';

export type DocumentReader = {
  /**
   * What is in a service definition. Takes tens of milliseconds, whatever its size.
   *
   * @throws DocumentError archive_rejected | unreadable_document
   */
  readServiceDefinition(
    file: string,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<ServiceDefinitionContent>;
  /**
   * The content of one file in it.
   *
   * @throws DocumentError archive_rejected | unreadable_document, also when there is no such member
   */
  readMember(
    file: string,
    member: string,
    options?: { maxBytes?: number | undefined; signal?: AbortSignal | undefined },
  ): Promise<Buffer>;
  /**
   * Writes `target`: the same definition with `Type` set to Replacement. The packed data of all other members
   * are copied as they are. On failure no target is left.
   *
   * @throws DocumentError archive_rejected | unreadable_document
   */
  rewriteAsReplacement(
    source: string,
    target: string,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<void>;
  /**
   * What is in any document of ArcGIS; its first bytes decide what it is.
   *
   * @throws DocumentError archive_rejected | unreadable_document
   */
  readDocument(
    file: string,
    options: {
      name: string;
      /** Where it lies at its author's: relative paths are resolved with it. */
      folder?: string | undefined;
      signal?: AbortSignal | undefined;
    },
  ): Promise<DocumentContent>;
  /**
   * Changes a map, a layer file or a project and writes it as `target`; without one it tells what would change. On
   * failure no target is left.
   *
   * @throws DocumentError edit_refused | nothing_matched | archive_rejected | unreadable_document
   */
  editMap(editing: MapEditing, options?: { signal?: AbortSignal | undefined }): Promise<MapEdited>;
  /** The same for a draft (.sddraft) or a staged definition (.sd), by named edits. */
  editDraft(
    editing: DraftEditTask,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<DraftEdited>;
  /**
   * The files in a zip, by their names with folders.
   *
   * @throws DocumentError archive_rejected | unreadable_document
   */
  listZip(file: string, options?: { signal?: AbortSignal | undefined }): Promise<ZipEntry[]>;
  /**
   * Writes one of them as a file. On failure none is left.
   *
   * @throws DocumentError archive_rejected | unreadable_document
   */
  unpackZipMember(
    file: string,
    entry: ZipEntry,
    target: string,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<void>;
  close(): Promise<void>;
};

export type DocumentReaderOptions = Partial<ArchiveLimits> & {
  /** Patience with one reading; copying has more, by the size of the file. */
  timeoutMs?: number;
  idleMs?: number;
  maxHeapMiB?: number;
};

/** Slow disks copy more than this. */
const leastCopyBytesPerSecond = 10 * 2 ** 20;

/** Opens nothing yet: the process that reads starts with the first file. */
export function openDocumentReader(options: DocumentReaderOptions = {}): DocumentReader {
  const { timeoutMs = 30_000, idleMs = 60_000, maxHeapMiB = 512, ...ownLimits } = options;
  const limits = { ...defaultArchiveLimits, ...ownLimits };
  const archives = new ArchiveProcess({ limits, idleMs, maxHeapMiB });
  return {
    async readServiceDefinition(file, { signal } = {}) {
      await checkSignature(file);
      const content = await archives.run({ kind: 'describe', file }, { timeoutMs, signal });
      return ServiceDefinitionContent.parse(content);
    },
    async readMember(file, member, { maxBytes = limits.maxMemberBytes, signal } = {}) {
      await checkSignature(file);
      const task = { kind: 'read-member', file, member, maxBytes } as const;
      const content = await archives.run(task, { timeoutMs, signal });
      return Buffer.from(content as Uint8Array);
    },
    async rewriteAsReplacement(source, target, { signal } = {}) {
      await checkSignature(source);
      const { size } = await stat(source);
      const copyMs = (size / leastCopyBytesPerSecond) * 1_000;
      const task = { kind: 'rewrite-as-replacement', source, target } as const;
      await rm(target, { force: true });
      try {
        await archives.run(task, { timeoutMs: timeoutMs + copyMs, signal });
      } catch (error) {
        await rm(target, { force: true });
        await rm(`${target}.tmp`, { force: true });
        throw error;
      }
    },
    async readDocument(file, { name, folder, signal }) {
      const task = { kind: 'read-document', file, name, folder } as const;
      return DocumentContent.parse(await archives.run(task, { timeoutMs, signal }));
    },
    async editMap(editing, { signal } = {}) {
      const task = { kind: 'edit-map', ...editing } as const;
      return await writing(editing.target, async () => {
        return (await archives.run(task, { timeoutMs, signal })) as MapEdited;
      });
    },
    async editDraft(editing, { signal } = {}) {
      const { size } = await stat(editing.source);
      const copyMs = (size / leastCopyBytesPerSecond) * 1_000;
      const task = { kind: 'edit-draft', ...editing } as const;
      return await writing(editing.target, async () => {
        const options = { timeoutMs: timeoutMs + copyMs, signal };
        return (await archives.run(task, options)) as DraftEdited;
      });
    },
    async listZip(file, { signal } = {}) {
      return (await archives.run({ kind: 'list-zip', file }, { timeoutMs, signal })) as ZipEntry[];
    },
    async unpackZipMember(file, { name, sizeBytes }, target, { signal } = {}) {
      const copyMs = (sizeBytes / leastCopyBytesPerSecond) * 1_000;
      const task = { kind: 'unpack-zip-member', file, name, target } as const;
      await writing(target, async () => {
        await archives.run(task, { timeoutMs: timeoutMs + copyMs, signal });
      });
    },
    close: () => archives.close(),
  };
}

/** A process that was killed could not tidy up. */
async function writing<T>(target: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (target !== undefined) {
      await rm(target, { force: true });
      await rm(`${target}.tmp`, { force: true });
    }
    throw error;
  }
}
