import type { ArchiveLimits } from './archive-limits.ts';

/** What a reading process can be asked for. Its answers are results of the same kind. */
export type ArchiveTask =
  | { kind: 'describe'; file: string }
  | { kind: 'read-member'; file: string; member: string; maxBytes: number }
  | { kind: 'rewrite-as-replacement'; source: string; target: string };

export type ArchiveRequest = {
  id: number;
  task: ArchiveTask;
  limits: ArchiveLimits;
  /** As of `Date.now()`; the process stops itself then, even when its parent is gone. */
  deadline: number;
};

export type ArchiveFault =
  | { kind: 'document'; code: 'archive_rejected' | 'unreadable_document'; message: string }
  | { kind: 'deadline' }
  | { kind: 'other'; message: string; code?: string };

export type ArchiveAnswer =
  | { id: 'ready' }
  | { id: number; result: unknown }
  | { id: number; fault: ArchiveFault };
