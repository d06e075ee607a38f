import { z } from 'zod';
import { readSiteJob } from '../../sites/publishing.ts';
import type { SiteJob, SiteJobMessage } from '../../sites/site-job.ts';
import { defineStep, type StepContext } from '../step.ts';
import { findBestLook, LookPace } from './look-pace.ts';
import type { Decision, Publishing } from './publishing-context.ts';
import { PublishingFailedError, SiteJobDeadlineError } from './publishing-errors.ts';
import { longestPublishMs, untilMovedOrIdle } from './site-signs.ts';
import type { Submitted } from './submit-definition.ts';

export const SiteJobOutcome = z.object({
  /** `unseen`: there is no job to ask, or the site has forgotten it; the service itself has to tell. */
  kind: z.enum(['succeeded', 'unseen']),
  siteJobId: z.string().optional(),
  messages: z.array(z.string()),
});
export type SiteJobOutcome = z.output<typeof SiteJobOutcome>;

type Input = Publishing & { decision: Decision; siteJob: Submitted };

/** Follows the site job to its end. */
export const awaitSiteJob = defineStep({
  name: 'await',
  title: 'The site is publishing',
  share: [50, 80],
  isReading: true,
  result: SiteJobOutcome,
  act: follow,
});

/** A site job begins a moment after the site has answered that it will. */
const startMs = 30;

async function follow(input: Input, context: StepContext): Promise<SiteJobOutcome> {
  const { siteJob: submitted, site } = input;
  if (!submitted.siteJob) return watchUnseen(input, context);
  const patienceMs = patienceMsFor(input);
  const beganMs = Date.now();
  const submittedMs = submitted.submittedMs ?? beganMs;
  const told = new Teller(context);
  const pace = new LookPace(context.timing, await forecastEnd(input, context.timing));
  let runningAtMs = submittedMs;
  for (;;) {
    await context.pause(pace.next(Date.now() - submittedMs));
    const lookedMs = Date.now();
    const job = await readSiteJob(site, submitted.siteJob, { signal: context.signal });
    await told.tell(job);
    if (job.isSucceeded) await noteTime(input, job, { runningAtMs, endedAtMs: lookedMs });
    if (job.isFinal) return toOutcome(job, site.name);
    runningAtMs = lookedMs;
    if (Date.now() - beganMs > patienceMs) {
      throw new SiteJobDeadlineError(
        `The site job ${job.siteJobId} of ${site.name} did not end within ${Math.round(patienceMs / 1000)} s; its last status was ${job.status}.`,
        {
          facts: {
            site: site.name,
            siteJobId: job.siteJobId,
            jobStatus: job.status,
            siteMessages: texts(job.messages),
          },
        },
      );
    }
  }
}

/** Milliseconds after the submission; nothing where that is not known, or no such job was seen before. */
async function forecastEnd(
  input: Input,
  { pollMinMs }: StepContext['timing'],
): Promise<number | undefined> {
  const { siteJob, siteJobTimes, site, decision } = input;
  if (siteJob.submittedMs === undefined) return undefined;
  const pastMs = await siteJobTimes.find(site.name, decision.target);
  const endMs = findBestLook(pastMs, pollMinMs);
  return endMs === undefined ? undefined : endMs + startMs;
}

/** The site's own words are believed as far as they fit what was seen: still running then, ended by then. */
async function noteTime(
  { siteJob, siteJobTimes, site, decision }: Input,
  { elapsedMs }: SiteJob,
  { runningAtMs, endedAtMs }: { runningAtMs: number; endedAtMs: number },
): Promise<void> {
  const { submittedMs } = siteJob;
  if (submittedMs === undefined || endedAtMs < submittedMs) return; // of a worker with another clock
  const [leastMs, mostMs] = [Math.max(0, runningAtMs - submittedMs), endedAtMs - submittedMs];
  const tookMs = elapsedMs ?? (leastMs + mostMs) / 2;
  await siteJobTimes.note(site.name, decision.target, Math.max(leastMs, Math.min(tookMs, mostMs)));
}

/** Longer than the site's own limit: so that the site, not we, ends what takes too long. */
function patienceMsFor(input: Input): number {
  return Math.max(input.site.config.jobTimeoutSeconds * 1000, longestPublishMs(input));
}

/**
 * The upload item was used up and no job is shown that did it. It may still be at work: so the target is
 * watched until it moves, or until the site works on nothing any more.
 */
async function watchUnseen(input: Input, context: StepContext): Promise<SiteJobOutcome> {
  const { live } = input.decision;
  const before = { isThere: live !== undefined, lastModifiedMs: live?.lastModifiedMs };
  await context.progress(0, 'The site shows no job of ours; watching the service');
  await untilMovedOrIdle(input, { before, patienceMs: patienceMsFor(input) }, context);
  return { kind: 'unseen', messages: [] };
}

function toOutcome(job: SiteJob, site: string): SiteJobOutcome {
  if (job.isForgotten) return { kind: 'unseen', siteJobId: job.siteJobId, messages: [] };
  if (job.isSucceeded)
    return { kind: 'succeeded', siteJobId: job.siteJobId, messages: texts(job.messages) };
  const [firstError] = job.messages.filter((message) => message.type === 'error');
  throw new PublishingFailedError(
    `The site job on ${site} ended as ${job.status}${firstError ? `: ${firstError.text}` : '.'}`,
    {
      facts: {
        site,
        siteJobId: job.siteJobId,
        jobStatus: job.status,
        siteMessages: texts(job.messages),
        messages: job.messages,
      },
    },
  );
}

function texts(messages: SiteJobMessage[]): string[] {
  return messages.map((message) => message.text);
}

/** Passes on each new message of the site job once, and its progress where the site tells it. */
class Teller {
  readonly #context: StepContext;
  #messages = 0;

  constructor(context: StepContext) {
    this.#context = context;
  }

  async tell(job: SiteJob): Promise<void> {
    for (const { type, text } of job.messages.slice(this.#messages)) {
      const level = type === 'error' || type === 'warning' ? type : 'info';
      await this.#context.log.add({ level, source: 'site', message: text });
    }
    this.#messages = job.messages.length;
    const fraction = job.isFinal ? 1 : (job.progressPercent ?? 0) / 100;
    await this.#context.progress(
      fraction,
      job.progressMessage ?? `The site is publishing: ${job.status}`,
    );
  }
}
