import { rm, stat } from 'node:fs/promises';
import { type ArchiveLimits, defaultArchiveLimits } from './archive-limits.ts';
import { ArchiveProcess } from './archive-process.ts';
import { checkSignature } from './archive-signature.ts';
import { ServiceDefinitionContent } from './service-definition.ts';

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
    close: () => archives.close(),
  };
}
