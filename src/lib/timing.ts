import { z } from 'zod';

const milliseconds = z.int().min(1).max(86_400_000);

/** Pauses and patience of the worker. The defaults suit a real site; tests and demos shorten them. */
export const Timing = z
  .strictObject({
    pollMinMs: milliseconds.default(500).describe('First pause between looks at a site job'),
    pollMaxMs: milliseconds.default(10_000).describe('Longest pause between looks at a site job'),
    lookAgainMs: milliseconds
      .default(5_000)
      .describe('Pause before a second look for a lost site job'),
    watchMs: milliseconds
      .default(60_000)
      .describe('How long a site is watched that hides its site jobs'),
    logSettleMs: milliseconds.default(5_000).describe('Pause before the server log is read again'),
    retryMinMs: milliseconds
      .default(1_000)
      .describe('First pause before a refused request is repeated'),
    retryMaxMs: milliseconds.default(30_000).describe('Longest pause before it is repeated'),
    retryForMs: milliseconds
      .default(600_000)
      .describe('How long a busy site is asked again in one step'),
    siteClosedMs: milliseconds
      .default(30_000)
      .describe('How long a closed site rests before a probe'),
    listedWithinMs: milliseconds
      .default(60_000)
      .describe('Patience until a published service is listed'),
    outageProbeMs: milliseconds
      .default(500)
      .describe('How often a service is looked at while replaced'),
  })
  .prefault({})
  .meta({ id: 'Timing' });
export type Timing = z.output<typeof Timing>;
