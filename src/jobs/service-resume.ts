import { z } from 'zod';
import type { JobRecord } from './job-record.ts';
import type { JobContext } from './job-type.ts';
import { ServiceOutcome } from './service-change.ts';
import { ServicesRefusedError } from './service-errors.ts';
import { isStarted } from './service-selection.ts';
import { defineStep } from './step.ts';

/** What a job had stopped on a site, and did not start again by itself. */
const Stopped = z.object({
  /** To be started: these ran, or should have run, before. */
  services: z.array(z.string()),
  /** Those of them that did not run although they should have. */
  didNotRun: z.array(z.string()),
});
type Stopped = z.output<typeof Stopped>;

type Asked = {
  jobId: string;
  site: string;
  context: JobContext;
  ifNoneMatch: 'fail' | 'succeed';
};

/** Kept, for the job that is asked may be removed meanwhile. */
export const findStoppedBefore = defineStep<Asked, Stopped>({
  name: 'resume',
  title: 'Looking what was stopped',
  share: [0, 3],
  result: Stopped,
  look: async () => undefined,
  act: findStopped,
});

/** A service that a job stopped, and that ran before. */
export function wasRunning({ outcome, before }: ServiceOutcome): boolean {
  return outcome === 'done' && before !== undefined && isStarted(before.realTimeState);
}

/**
 * What a stop-services job had stopped on a site. Its steps tell, so that a job counts too that failed in the end
 * and kept what it had done.
 *
 * @throws ServicesRefusedError where there is no such job, or nothing of it is left to be started
 */
async function findStopped({ jobId, site, context, ifNoneMatch }: Asked): Promise<Stopped> {
  const job = await context.findJob(jobId, site);
  if (job?.processID !== 'stop-services') {
    throw new ServicesRefusedError(
      'nothing_matched',
      `There is no stop-services job ${jobId} of the same owner, or not any more. Nothing was changed.`,
      { site },
    );
  }
  if (job.status === 'accepted' || job.status === 'running' || job.undo === 'pending') {
    throw new ServicesRefusedError(
      'conflict',
      `The job ${jobId} has not ended: what it stops is not known yet. Nothing was changed.`,
      { site },
    );
  }
  const stopped = job.site === site ? stoppedBy(job) : [];
  if (stopped.length === 0) {
    const words = `The job ${jobId} had stopped nothing on ${site} that ran before, or has started it again itself.`;
    if (ifNoneMatch === 'fail')
      throw new ServicesRefusedError('nothing_matched', `${words} Nothing was changed.`, { site });
    await context.warn(words);
  }
  return {
    services: stopped.map(({ service }) => service),
    didNotRun: stopped.filter((each) => !wasRunning(each)).map(({ service }) => service),
  };
}

function stoppedBy({ steps }: JobRecord): ServiceOutcome[] {
  // What was kept counts as undone too, for the job failed.
  const isKept = steps.some(({ name }) => name === 'keep');
  return steps
    .filter(({ name, state }) => name.startsWith('stop:') && (isKept || state === 'done'))
    .flatMap(({ result }) => ServiceOutcome.safeParse(result).data ?? [])
    .filter(({ outcome, before }) => outcome === 'done' && isWanted(before));
}

function isWanted(before: ServiceOutcome['before']): boolean {
  return (
    before !== undefined && (isStarted(before.realTimeState) || isStarted(before.configuredState))
  );
}
