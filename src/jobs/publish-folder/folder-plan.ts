import { z } from 'zod';
import type { FolderStorage } from '../../storage/folder-storage.ts';

/** One service that is to be published. */
export const PlannedService = z.object({
  /** Of the definition, with the folders that it lies in. */
  name: z.string(),
  uploadId: z.string().optional(),
  sha256: z.string().optional(),
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
