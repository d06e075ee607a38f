import { toText } from '../sites/service-target.ts';
import {
  asOutcome,
  bringTo,
  isIn,
  type OneService,
  putBackState,
  readSettled,
  type Seen,
  ServiceOutcome,
} from './service-change.ts';
import { ServicesRefusedError } from './service-errors.ts';
import { defineStep, type Step, type StepContext } from './step.ts';

/** Which of how many: for the step's name, and its share of the job's progress. */
export type Place = { at: number; count: number };

export function shareOf({ at, count }: Place): readonly [number, number] {
  const share = (part: number) => Math.round(10 + (88 * part) / count);
  return [share(at), share(at + 1)];
}

export type ServiceStep = Step<OneService, ServiceOutcome, Seen>;

export function startOne(place: Place): ServiceStep {
  return bringOne(place, 'STARTED', { undoes: true });
}

/** After a stop of the same job: its undoing starts the service too. */
export function startAgain(place: Place): ServiceStep {
  return bringOne(place, 'STARTED', { undoes: false });
}

export function stopOne(place: Place): ServiceStep {
  return bringOne(place, 'STOPPED', { undoes: true });
}

function bringOne(
  place: Place,
  wanted: 'STARTED' | 'STOPPED',
  { undoes }: { undoes: boolean },
): ServiceStep {
  const verb = wanted === 'STARTED' ? 'start' : 'stop';
  return defineStep<OneService, ServiceOutcome, Seen>({
    name: `${verb}:${place.at}`,
    title: wanted === 'STARTED' ? 'Starting services' : 'Stopping services',
    share: shareOf(place),
    result: ServiceOutcome,
    before: async (one, context) => ({ status: (await readSettled(one, context)) ?? null }),
    look: async (one, context) => {
      const { status: before } = context.before;
      const now = await readSettled(one, context);
      if (!isIn(now, wanted)) return undefined;
      return toOutcome(one, before, { after: now, messages: [], isDone: !isIn(before, wanted) });
    },
    act: (one, context) => {
      const { status: before } = context.before;
      const putBack = async () =>
        undoes && before ? putBackState(one, before, context) : undefined;
      return asOutcome(one, before, () => bring(one, wanted, context), putBack);
    },
    undo: async (one, _result, context) => {
      const { status: before } = context.before;
      if (!undoes || !before || isIn(before, wanted) || one.isKept()) return undefined;
      return putBackState(one, before, context);
    },
  });
}

async function bring(
  one: OneService,
  wanted: 'STARTED' | 'STOPPED',
  context: StepContext<Seen>,
): Promise<ServiceOutcome> {
  const { status: before } = context.before;
  refuseGone(one, before);
  if (isIn(before, wanted))
    return toOutcome(one, before, { after: before, messages: [], isDone: false });
  const { after, messages } = await bringTo(one, wanted, context);
  const words = wanted === 'STARTED' ? 'was started' : 'was stopped';
  await context.log.info(`${toText(one.target)} on ${one.site.name} ${words}.`);
  return toOutcome(one, before, { after, messages, isDone: true });
}

/** Somebody may have deleted it while this job waited for its turn. */
export function refuseGone({ site, target }: OneService, before: Seen['status']): void {
  if (before) return;
  const service = toText(target);
  const message = `${service} is not on ${site.name} any more.`;
  throw new ServicesRefusedError('not_found', message, { site: site.name, service });
}

export function toOutcome(
  { target }: OneService,
  before: Seen['status'],
  seen: Pick<ServiceOutcome, 'after' | 'messages'> & { isDone: boolean },
): ServiceOutcome {
  const { isDone, after, messages } = seen;
  return {
    service: toText(target),
    outcome: isDone ? 'done' : 'already',
    messages,
    ...(before && { before }),
    ...(after && { after }),
  };
}
