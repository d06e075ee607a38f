import { z } from 'zod';
import { keptCount } from './retention-config.ts';

const minute = 60;
const hour = 3_600;

/** Deliveries to addresses that callers named. The schedule is the example of Standard Webhooks 1.0.0. */
export const WebhookConfig = z
  .strictObject({
    scheduleSeconds: z
      .array(
        z
          .number()
          .min(0)
          .max(30 * 24 * hour),
      )
      .min(1)
      .max(20)
      .default([
        0,
        5,
        5 * minute,
        30 * minute,
        ...[2, 5, 10, 14, 20, 24].map((hours) => hours * hour),
      ])
      .describe('Pause before each attempt of a delivery, the first included'),
    disableAfterDays: z
      .number()
      .min(0)
      .default(5)
      .describe(
        'An endpoint that has failed for so long is disabled once a delivery was given up on',
      ),
    keepDays: z.number().positive().max(365).default(30).describe('Age at which deliveries go'),
    keepCount: keptCount.default(100_000).describe('Settled deliveries that are kept at the most'),
    progressSeconds: z
      .number()
      .positive()
      .default(10)
      .describe('Progress of a job is told at most once in this time'),
    claimAfterSeconds: z
      .number()
      .positive()
      .default(30)
      .describe('When news that a worker read and never passed on are read by another one'),
    concurrency: z.int().min(1).max(1_000).default(32).describe('Deliveries at a time, per worker'),
  })
  .prefault({})
  .meta({ id: 'WebhookConfig' });
export type WebhookConfig = z.output<typeof WebhookConfig>;
