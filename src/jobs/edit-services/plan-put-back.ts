import { z } from 'zod';
import type { JobContext } from '../job-type.ts';
import { defineStep } from '../step.ts';
import type { ServiceSettingChange } from './schema.ts';

const Planned = z.object({ jobId: z.string() });
type Planned = z.output<typeof Planned>;

type Input = {
  site: string;
  changes: ServiceSettingChange[];
  untilMs: number;
  followUp: JobContext['followUp'];
  isKept: () => boolean;
};

/** A job of the same owner, to be seen and dismissed like any other, that puts the old values back at that time. */
export const planPutBack = defineStep<Input, Planned>({
  name: 'plan',
  title: 'Planning to put the old values back',
  share: [98, 99],
  result: Planned,
  look: async () => undefined, // its id is the same each time, so there is never a second one
  act: async ({ site, changes, untilMs, followUp }, { log }) => {
    const jobId = await followUp.submit({ site, putBack: changes }, untilMs);
    const at = new Date(untilMs).toISOString();
    await log.info(`The job ${jobId} puts the old values back at ${at}.`);
    return { jobId };
  },
  undo: async ({ followUp, isKept }) => {
    if (isKept()) return undefined;
    const isWithdrawn = await followUp.withdraw();
    return isWithdrawn ? 'the job that was to put values back later was dismissed' : undefined;
  },
});
