import { z } from 'zod';
import { GatewayError } from '../lib/errors.ts';
import { isSystemService, type ServiceState } from '../sites/service-states.ts';
import { type ServiceTarget, toText } from '../sites/service-target.ts';
import { readRestInfo } from '../sites/site-reader.ts';
import type { Site } from '../sites/sites.ts';
import type { JobContext } from './job-type.ts';
import { type OneService, ServiceOutcome } from './service-change.ts';
import { ServicesFailedError, ServicesRefusedError } from './service-errors.ts';
import { lockOfService } from './service-lock.ts';
import { findSelected, inWords, type ServiceSelection } from './service-selection.ts';
import type { Place } from './service-steps.ts';
import { defineStep } from './step.ts';

/** Inputs of every job type that works on many services. */
export const batchInputs = {
  dryRun: z
    .boolean()
    .default(false)
    .describe('Tells what would be done to which services, and changes nothing'),
  ifNoneMatch: z
    .enum(['fail', 'succeed'])
    .default('fail')
    .describe(
      'When no service is meant: `succeed` is for several sites of which not each has some',
    ),
};
type IfNoneMatch = z.output<typeof batchInputs.ifNoneMatch>;

export const OnFailure = z
  .enum(['undo', 'continue'])
  .default('undo')
  .describe(
    '`undo`: the first failure ends the job, and what it had done to the other services is put back; `continue`: the others are carried on with and stay so, and the job fails in the end',
  );

/** What every job type answers that works on many services. */
export const batchOutputs = {
  services: z.array(ServiceOutcome).describe('What became of each service'),
  done: z.int().describe('How many were changed'),
  already: z.int().describe('How many were so before'),
  warnings: z.array(z.string()),
};

const Target = z.object({ folder: z.string(), serviceName: z.string(), type: z.string() });
const Found = z.object({
  services: z.array(Target.extend({ configuredState: z.string(), realTimeState: z.string() })),
  missing: z.array(z.string()),
  unknown: z.array(z.string()),
  isFederated: z.boolean().default(false),
});
type Found = z.output<typeof Found>;

const findServices = defineStep<{ site: Site; selection: ServiceSelection }, Found>({
  name: 'find',
  title: 'Looking which services are meant',
  share: [0, 10],
  isReading: true,
  result: Found,
  look: async () => undefined, // looking again does no harm
  act: async ({ site, selection }, context) => {
    const { owningSystemUrl } = await readRestInfo(site, context);
    const found = await findSelected(site, selection, context);
    return { ...found, isFederated: owningSystemUrl !== undefined };
  },
});

/**
 * The services that are meant, in the order of their names. It is decided once, and not again on resume.
 *
 * @throws ServicesRefusedError when nothing is meant, or a service is named that is not there
 */
export async function selectServices(
  site: Site,
  selection: ServiceSelection,
  { step, warn }: JobContext,
  {
    mayBeMissing = false,
    ifNoneMatch = 'fail',
  }: { mayBeMissing?: boolean; ifNoneMatch?: IfNoneMatch } = {},
): Promise<{ services: ServiceState[]; missing: string[]; isFederated: boolean }> {
  const { services, missing, unknown, isFederated } = await step(findServices, { site, selection });
  if (missing.length > 0 && !mayBeMissing) {
    throw new ServicesRefusedError(
      'nothing_matched',
      `${site.name} has no ${inShort(missing)}. Nothing was changed.`,
      { site: site.name, missing },
    );
  }
  if (services.length === 0 && missing.length === 0) {
    if (ifNoneMatch === 'succeed') await warn(`${site.name} has no service ${inWords(selection)}.`);
    else
      throw new ServicesRefusedError(
        'nothing_matched',
        `${site.name} has no service ${inWords(selection)}. Nothing was changed.${unknown.length > 0 ? ` ${notKnown(unknown)}` : ''}`,
        { site: site.name },
      );
  }
  if (unknown.length > 0) await warn(notKnown(unknown));
  return { services: [...services].sort(byName), missing, isFederated };
}

function byName(one: ServiceTarget, other: ServiceTarget): number {
  return toText(one).localeCompare(toText(other), 'en');
}

function notKnown(services: string[]): string {
  return `What these read is not known, for they have no manifest that our account is shown: ${inShort(services)}.`;
}

function inShort(names: string[]): string {
  const more = names.length - 12;
  return names.slice(0, 12).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** A wrong word here stops publishing for everybody. */
export async function warnOfSystem(
  site: Site,
  services: ServiceTarget[],
  { warn }: JobContext,
): Promise<void> {
  const system = services.filter(isSystemService).map((each) => toText(each));
  if (system.length === 0) return;
  await warn(`${inShort(system)} of ${site.name} belongs to the site itself: others depend on it.`);
}

/** From here on what was done stays, although the job fails. */
const keepWhatWasDone = defineStep<object, object>({
  name: 'keep',
  title: 'Keeping what was done',
  share: [98, 99],
  result: z.object({}),
  look: async () => undefined,
  act: async () => ({}),
});

export function isWhatWasDoneKept({ recordedResult }: Pick<JobContext, 'recordedResult'>): boolean {
  return recordedResult(keepWhatWasDone.name) !== undefined;
}

export type Batch<Outcome extends ServiceOutcome> = {
  site: Site;
  services: readonly ServiceTarget[];
  continues: boolean;
  /** Runs the steps of one service. */
  carryOut: (one: OneService, place: Place) => Promise<Outcome>;
  /** What belongs to the batch as a whole, also when some failed and the rest stays. */
  conclude?: (outcomes: Outcome[]) => Promise<void>;
};

/**
 * Works through services one after the other, with a lock on all of them: a site breaks when it is pushed.
 *
 * @throws ServicesFailedError naming each that failed
 */
export async function changeEach<Outcome extends ServiceOutcome>(
  { site, services, continues, carryOut, conclude }: Batch<Outcome>,
  context: JobContext,
): Promise<Outcome[]> {
  await context.lock(services.map((target) => lockOfService(site.name, target)));
  const outcomes: Outcome[] = [];
  const isKept = () => isWhatWasDoneKept(context);
  for (const [at, service] of services.entries()) {
    const { folder, serviceName, type } = service;
    const one = { site, target: { folder, serviceName, type }, continues, isKept };
    try {
      outcomes.push(await carryOut(one, { at, count: services.length }));
    } catch (error) {
      if (!(error instanceof GatewayError) || error.again !== 'never') throw error;
      throw endedBy(error, { site, services, outcomes });
    }
  }
  const failed = outcomes.filter(({ outcome }) => outcome === 'failed');
  if (failed.length > 0) await context.step(keepWhatWasDone, {});
  await conclude?.(outcomes);
  if (failed.length === 0) return outcomes;
  const words = failed.map(({ service, messages }) => `${service}: ${messages.join(' ')}`);
  throw new ServicesFailedError(
    `${failed.length} of ${services.length} services of ${site.name} failed; what was done to the others stays. ${words.slice(0, 5).join(' ')}${failed.length > 5 ? ` And ${failed.length - 5} more.` : ''}`,
    {
      facts: {
        site: site.name,
        service: failed[0]?.service,
        failed: failed.map(({ service }) => service),
        services: outcomes,
        siteMessages: failed.flatMap(({ messages }) => messages),
      },
    },
  );
}

/** The first failure of a batch that is put back. */
function endedBy(
  error: GatewayError,
  {
    site,
    services,
    outcomes,
  }: { site: Site; services: readonly ServiceTarget[]; outcomes: ServiceOutcome[] },
): ServicesFailedError {
  const [service = '', ...others] = services.slice(outcomes.length).map((each) => toText(each));
  const table: ServiceOutcome[] = [
    ...outcomes,
    { service, outcome: 'failed', messages: [error.message] },
    ...others.map((each) => ({ service: each, outcome: 'not-begun' as const, messages: [] })),
  ];
  const which =
    services.length > 1
      ? `${service}, the ${outcomes.length + 1}. of ${services.length} services of ${site.name}: `
      : '';
  return new ServicesFailedError(`${which}${error.message}`, {
    cause: error,
    facts: {
      ...error.facts,
      site: site.name,
      service,
      failed: [service],
      services: table,
      reason: error.code,
    },
  });
}

export function countOutcomes<Outcome extends ServiceOutcome>(
  services: Outcome[],
  { warnings }: Pick<JobContext, 'warnings'>,
): { services: Outcome[]; done: number; already: number; warnings: string[] } {
  const count = (wanted: ServiceOutcome['outcome']) =>
    services.filter(({ outcome }) => outcome === wanted).length;
  return { services, done: count('done'), already: count('already'), warnings: warnings() };
}

/** What a dry run tells of one service. */
export function toPlanned(
  service: ServiceState,
  { isDue, message }: { isDue: boolean; message?: string },
): ServiceOutcome {
  const { configuredState, realTimeState } = service;
  return {
    service: toText(service),
    outcome: isDue ? 'planned' : 'already',
    before: { configuredState, realTimeState },
    messages: message === undefined ? [] : [message],
  };
}
