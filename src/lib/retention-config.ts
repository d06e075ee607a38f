import { z } from 'zod';

/** How many of a kind may be kept. */
export const keptCount = z.int().min(1).max(100_000_000);

export const RetentionConfig = z
  .strictObject({
    endedJobDays: z
      .number()
      .positive()
      .default(30)
      .describe('Age at which the record of an ended job goes, and all that belongs to it'),
    endedJobs: keptCount
      .default(1_000_000)
      .describe('Ended jobs that are kept at the most; those that ended first go first'),
    logDays: z
      .number()
      .positive()
      .default(30)
      .describe('Age at which the log of an ended job goes'),
    logs: keptCount.default(100_000).describe('Ended jobs whose log is kept at the most'),
    artifactDays: z.number().positive().default(30).describe('Age at which a made file goes'),
    artifacts: keptCount.default(10_000).describe('Made files that are kept at the most'),
    failedUploadDays: z
      .number()
      .positive()
      .default(7)
      .describe('How long the files of a failed job are kept for a retry'),
    ledgerVersions: z
      .int()
      .min(0)
      .max(1_000)
      .default(10)
      .describe(
        'Definitions kept per service for rolling back, beside the live one, which is always kept',
      ),
    ledgerDays: z
      .number()
      .positive()
      .default(180)
      .describe('How long a definition is kept after it stopped being live'),
  })
  .prefault({});
