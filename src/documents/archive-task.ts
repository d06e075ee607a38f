import type { DocumentErrorCode } from '../lib/errors.ts';
import type { ArchiveLimits } from './archive-limits.ts';
import type { DraftEdits } from './draft-edits.ts';
import type { MapEdits } from './map-edits.ts';

/** What a reading process can be asked for. Its answers are results of the same kind. */
export type ArchiveTask =
  | { kind: 'describe'; file: string }
  | { kind: 'read-member'; file: string; member: string; maxBytes: number }
  | { kind: 'list-zip'; file: string }
  | { kind: 'unpack-zip-member'; file: string; name: string; target: string }
  | { kind: 'rewrite-as-replacement'; source: string; target: string }
  | { kind: 'read-document'; file: string; name: string; folder?: string | undefined }
  | {
      kind: 'edit-map';
      source: string;
      /** Without it nothing is written. */
      target: string | undefined;
      layerFile: string | undefined;
      edits: MapEdits;
    }
  | { kind: 'edit-draft'; source: string; target: string | undefined; edits: DraftEdits };

export type ArchiveRequest = {
  id: number;
  task: ArchiveTask;
  limits: ArchiveLimits;
  /** As of `Date.now()`; the process stops itself then, even when its parent is gone. */
  deadline: number;
};

export type ArchiveFault =
  | {
      kind: 'document';
      code: DocumentErrorCode;
      message: string;
      facts: Record<string, unknown>;
    }
  | { kind: 'deadline' }
  | { kind: 'other'; message: string; code?: string };

export type ArchiveAnswer =
  | { id: 'ready' }
  | { id: number; result: unknown }
  | { id: number; fault: ArchiveFault };
