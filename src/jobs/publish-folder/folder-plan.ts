import { z } from 'zod';
import type { FolderStorage } from '../../storage/folder-storage.ts';

const UnpackedMember = z.object({
  zip: z.string(),
  member: z.string(),
  content: z.object({ folder: z.string(), serviceName: z.string(), type: z.string() }),
});

/** One service that is to be published. */
export const PlannedService = z.object({
  /** Of the definition, with the folders that it lies in. */
  name: z.string(),
  uploadId: z.string().optional(),
  sha256: z.string().optional(),
  /** Where it was unpacked from, and what it says of itself: a retry need not unpack it to know. */
  unpacked: UnpackedMember.optional(),
  folder: z.string().optional(),
  serviceName: z.string().optional(),
  service: z.string().optional(),
  /** Keys of those that have to be published before. */
  after: z.array(z.string()),
  /** Names it among the others. */
  key: z.string(),
  /** Why it cannot be published. */
  fault: z
    .object({ code: z.enum(['archive_rejected', 'unreadable_document']), message: z.string() })
    .optional(),
});
export type PlannedService = z.output<typeof PlannedService>;

const FolderPlan = z.array(PlannedService);

export const planFolder = 'plans';

/** Kept beside the record: a record is read often, and thousands of definitions are not small. */
export function planKey(jobId: string): string {
  return `${planFolder}/${jobId}.json`;
}

export async function writePlan(
  storage: FolderStorage,
  jobId: string,
  plan: PlannedService[],
): Promise<void> {
  await storage.writeText(planKey(jobId), JSON.stringify(plan));
}

export async function findPlan(
  storage: FolderStorage,
  jobId: string,
): Promise<PlannedService[] | undefined> {
  const text = await storage.findText(planKey(jobId));
  return text === undefined ? undefined : FolderPlan.parse(JSON.parse(text));
}

export type KnownMember = z.output<typeof UnpackedMember> & { uploadId?: string; sha256: string };

/** What an earlier try unpacked of zips: what is in a zip never changes. */
export class EarlierMembers {
  readonly #known = new Map<string, KnownMember>();

  constructor(plan: readonly PlannedService[]) {
    for (const { unpacked, uploadId, sha256 } of plan)
      if (unpacked && sha256 !== undefined)
        this.#known.set(keyOf(unpacked), {
          ...unpacked,
          sha256,
          ...(uploadId !== undefined && { uploadId }),
        });
  }

  find(place: { zip: string; member: string }): KnownMember | undefined {
    return this.#known.get(keyOf(place));
  }
}

function keyOf({ zip, member }: { zip: string; member: string }): string {
  return `${zip}/${member}`;
}
