import { z } from 'zod';
import { GatewayError } from '../lib/errors.ts';
import { startService, stopService } from '../sites/service-changes.ts';
import { findStatus } from '../sites/service-states.ts';
import { type ServiceTarget, toText } from '../sites/service-target.ts';
import { readService, type ServiceStatus } from '../sites/services.ts';
import type { Site } from '../sites/sites.ts';
import { ServiceNotAsWantedError, ServiceNotPutBackError } from './service-errors.ts';
import { ServiceName } from './service-selection.ts';
import type { StepContext } from './step.ts';

export const ServiceStates = z
  .object({
    configuredState: z.string().describe('What the site wants of it: `STARTED` or `STOPPED`'),
    realTimeState: z.string().describe('How it is'),
  })
  .meta({ id: 'ServiceStates' });

/** What became of one service. */
export const ServiceOutcome = z
  .object({
    service: ServiceName.describe('`Folder/Name.Type`'),
    outcome: z
      .enum(['done', 'already', 'failed', 'planned', 'put-back', 'not-begun'])
      .describe(
        '`already`: nothing had to be done; `planned`: a dry run would do it; `put-back`: done, and put back when the job failed; `not-begun`: the job ended before',
      ),
    before: ServiceStates.optional().describe('How it stood before'),
    after: ServiceStates.optional().describe('How it stood afterwards'),
    messages: z.array(z.string()).describe("The site's own words, or why nothing was done"),
  })
  .meta({ id: 'ServiceOutcome' });
export type ServiceOutcome = z.output<typeof ServiceOutcome>;

/** One service that a step works on. */
export type OneService = {
  site: Site;
  target: ServiceTarget;
  /** A failure is a line in the table and no end of the job. */
  continues: boolean;
  /** Whether it was decided that what is done stays, although the job fails. */
  isKept: () => boolean;
  /** It did not run before the stop that is made good: that it does not run now is no failure. */
  mayStayDown?: boolean;
};

/** Until a service is looked at for the first time nothing is known; null: it is not there. */
export type Seen = { status: ServiceStatus | null };

/** Without a number of its own a service gets what sites give by themselves (Esri, "Service JSON"). */
const usualStartupSeconds = 300;
const WithStartup = z.looseObject({ maxStartupTime: z.coerce.number().positive() });

export async function startupMs(
  { site, target }: OneService,
  signal: AbortSignal,
): Promise<number> {
  const { data } = WithStartup.safeParse(await readService(site, target, { signal }));
  return (data?.maxStartupTime ?? usualStartupSeconds) * 1000;
}

const isFinalState = (state: string) => /^(STARTED|STOPPED)$/i.test(state);

/** The state, once it is one: names of those in between are not verified, so any other word is one. */
export async function readSettled(
  one: OneService,
  context: StepContext<unknown>,
): Promise<ServiceStatus | undefined> {
  const first = await findStatus(one.site, one.target, context);
  if (!first || isFinalState(first.realTimeState)) return first;
  const patienceMs = await startupMs(one, context.signal);
  return untilState(one, context, { patienceMs, isSo: isFinalState });
}

/** @returns the last state that was seen */
export async function untilState(
  { site, target }: OneService,
  context: StepContext<unknown>,
  { patienceMs, isSo }: { patienceMs: number; isSo: (state: string) => boolean },
): Promise<ServiceStatus | undefined> {
  const { pollMinMs, pollMaxMs } = context.timing;
  const untilMs = Date.now() + patienceMs;
  for (let waitMs = pollMinMs; ; waitMs = Math.min(waitMs * 1.5, pollMaxMs)) {
    const status = await findStatus(site, target, context);
    if (!status || isSo(status.realTimeState) || Date.now() + waitMs > untilMs) return status;
    await context.pause(waitMs);
  }
}

export function isIn(
  status: ServiceStatus | null | undefined,
  wanted: 'STARTED' | 'STOPPED',
): status is ServiceStatus {
  return (
    status?.configuredState.toUpperCase() === wanted &&
    status.realTimeState.toUpperCase() === wanted
  );
}

/**
 * Starts or stops, and looks whether it is so: a site may say yes to a start and the service not run.
 *
 * @throws ServiceNotAsWantedError saying how it stands instead
 */
export async function bringTo(
  one: OneService,
  wanted: 'STARTED' | 'STOPPED',
  context: StepContext<unknown>,
): Promise<{ after: ServiceStatus; messages: string[] }> {
  const { site, target } = one;
  const { signal } = context;
  const change = wanted === 'STARTED' ? startService : stopService;
  const { warnings } = await change(site, target, { signal });
  const patienceMs = await startupMs(one, signal);
  const isSo = (state: string) => state.toUpperCase() === wanted;
  const after = await untilState(one, context, { patienceMs, isSo });
  if (after && isSo(after.realTimeState)) return { after, messages: warnings };
  if (after && one.mayStayDown) {
    const asBefore = `It did not run before either: ${stateInWords(after)}.`;
    return { after, messages: [...warnings, asBefore] };
  }
  throw new ServiceNotAsWantedError(
    `${site.name} took it, but ${toText(target)} did not come to ${wanted} within ${Math.round(patienceMs / 1000)} s: ${stateInWords(after)}.`,
    {
      facts: {
        site: site.name,
        service: toText(target),
        maxStartupTimeSeconds: Math.round(patienceMs / 1000),
        siteMessages: warnings,
      },
    },
  );
}

export function stateInWords(status: ServiceStatus | null | undefined): string {
  if (!status) return 'it is not there any more';
  return `configured ${status.configuredState}, running state ${status.realTimeState}`;
}

/**
 * Gives a service the state that it had before.
 *
 * @returns what was put back, in words; undefined when it stands as before
 * @throws ServiceNotPutBackError saying how it stands now
 */
export async function putBackState(
  one: OneService,
  before: ServiceStatus,
  context: StepContext<unknown>,
): Promise<string | undefined> {
  const name = `${toText(one.target)} on ${one.site.name}`;
  const now = await readSettled(one, context);
  if (!now) throw new ServiceNotPutBackError(`${name} is not there any more.`);
  const wanted = before.configuredState.toUpperCase() === 'STOPPED' ? 'STOPPED' : 'STARTED';
  if (isSameState(now, before)) return undefined;
  const note = `${name} was ${wanted === 'STARTED' ? 'started' : 'stopped'} again`;
  await context.intends(note);
  try {
    await bringTo(one, wanted, context);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.again !== 'never') throw error;
    const after = await findStatus(one.site, one.target, context);
    if (after && isSameState(after, before)) {
      await context.intends(''); // it did not run before either
      return undefined;
    }
    throw new ServiceNotPutBackError(
      `${name} was ${before.realTimeState.toLowerCase()} and could not be brought back: ${error.message}`,
      { cause: error },
    );
  }
  return note;
}

function isSameState(one: ServiceStatus, other: ServiceStatus): boolean {
  const inCapitals = ({ configuredState, realTimeState }: ServiceStatus) =>
    `${configuredState} ${realTimeState}`.toUpperCase();
  return inCapitals(one) === inCapitals(other);
}

/**
 * In a batch that goes on, one refusal is a line of its table; the service itself is as it was, as far as
 * `putBack` can bring it. What may pass by itself, and what nobody knows, is not decided here.
 */
export async function asOutcome<Outcome extends ServiceOutcome>(
  one: OneService,
  before: ServiceStatus | null,
  work: () => Promise<Outcome>,
  putBack?: () => Promise<string | undefined>,
): Promise<Outcome | ServiceOutcome> {
  try {
    return await work();
  } catch (error) {
    const isEnd = error instanceof GatewayError && error.again === 'never';
    if (!isEnd || !one.continues || error.code === 'site_login_refused') throw error;
    const messages = [error.message];
    try {
      const done = await putBack?.();
      if (done) messages.push(`Put back: ${done}.`);
    } catch (second) {
      if (!(second instanceof GatewayError) || second.again !== 'never') throw second;
      messages.push(`Not put back: ${second.message}`);
    }
    return { service: toText(one.target), outcome: 'failed', messages, ...(before && { before }) };
  }
}
