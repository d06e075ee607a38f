import { z } from 'zod';
import type { ChildWish } from '../job-children.ts';
import type { JobContext } from '../job-type.ts';
import {
  differencesOf,
  type PlanDifference,
  type PlannedState,
} from '../publish-service-definition/planned-state.ts';
import { NotPublishableError } from '../publish-service-definition/publishing-errors.ts';
import { defineStep } from '../step.ts';
import { type PlannedWish, planWishes } from './plan-wishes.ts';

type Input = JobContext & {
  wishes: readonly ChildWish[];
  digest: string;
  planned: Digests | undefined;
};
/** Of the plan of each child, by its key. */
type Digests = Record<string, string>;
type Changed = { key: string; site: string; service?: string; differences: PlanDifference[] };

const mostTold = 20;

/**
 * Runs only if every service still is as it was planned: all are looked at before the first is published, and each
 * again by its own job right before. What an earlier try has published is not looked at.
 *
 * @returns the wishes, each bound to its own plan
 * @throws NotPublishableError plan_changed
 */
export async function bindToPlan(
  wishes: readonly ChildWish[],
  digest: string | undefined,
  context: JobContext,
): Promise<readonly ChildWish[]> {
  if (digest === undefined) return wishes;
  const planned = await context.ledger.findPlan(digest);
  await context.step(checkPlan, { ...context, wishes, digest, planned });
  if (!planned) throw unknownPlan(); // a job that was put off for very long after its plan was compared
  return wishes.map((wish) => ({
    ...wish,
    inputs: { ...wish.inputs, ifPlanIs: planned[wish.key] },
  }));
}

const checkPlan = defineStep<Input, object>({
  name: 'check-plan',
  title: 'Comparing with the plan',
  share: [1, 2],
  result: z.object({}),
  act: async ({ wishes, digest, planned, ...input }, { signal }) => {
    if (!planned) throw unknownPlan();
    await input.ledger.keepPlan(digest, input.deadlineMs); // later attempts bind their children to it, too
    const wanted = new Set(wishes.map(({ key }) => key));
    const gone = Object.keys(planned).filter((key) => !wanted.has(key));
    const added = [...wanted].filter((key) => planned[key] === undefined);
    if (gone.length > 0 || added.length > 0) throw notTheSame({ gone, added, planned });
    const open: ChildWish[] = [];
    for (const wish of wishes) if (!(await input.isDoneBefore(wish))) open.push(wish);
    const changed: Changed[] = [];
    let count = 0;
    for await (const row of planWishes(open, { ...input, signal })) {
      if (row.digest === planned[row.key]) continue;
      count += 1;
      if (changed.length < mostTold) changed.push(await describeChange(row, planned, input));
    }
    if (count > 0) throw changedSince(changed, { count, of: open.length });
    return {};
  },
});

async function describeChange(
  { key, site, state }: PlannedWish,
  planned: Digests,
  { ledger }: Pick<JobContext, 'ledger'>,
): Promise<Changed> {
  const before: PlannedState = (await ledger.findPlan(planned[key] ?? '')) ?? {};
  const { service } = state;
  const differences = differencesOf(before, state).slice(0, mostTold);
  return { key, site, ...(service !== undefined && { service }), differences };
}

function unknownPlan(): NotPublishableError {
  const text = `What was planned is not known, or not any more: plans are kept for 30 days. ${again}`;
  return new NotPublishableError('plan_changed', text);
}

const again = 'Nothing was changed. Plan again, look at the plan and send its digest.';

function inShort(differences: PlanDifference[]): string {
  const names = differences.slice(0, 3).map(({ what }) => what);
  const more = differences.length - names.length;
  return names.join('; ') + (more > 0 ? ` and ${more} more` : '');
}

function changedSince(
  changed: Changed[],
  { count, of }: { count: number; of: number },
): NotPublishableError {
  const words = changed
    .slice(0, 5)
    .map(({ key, differences }) => `${key} (${inShort(differences)})`);
  const more = count > words.length ? ` and ${count - words.length} more` : '';
  return new NotPublishableError(
    'plan_changed',
    `${count} of ${of} services are not as they were planned: ${words.join(', ')}${more}. ${again}`,
    { changed },
  );
}

function notTheSame({
  gone,
  added,
  planned,
}: {
  gone: string[];
  added: string[];
  planned: Digests;
}): NotPublishableError {
  const some = (keys: string[]) => keys.slice(0, 5).join(', ');
  const words = [
    gone.length > 0 &&
      `${gone.length} of ${Object.keys(planned).length} that were planned are not in the request (${some(gone)})`,
    added.length > 0 && `${added.length} in the request were not planned (${some(added)})`,
  ].filter(Boolean);
  return new NotPublishableError(
    'plan_changed',
    `The plan is one of another request: ${words.join(', and ')}. ${again}`,
    { gone: gone.slice(0, 100), added: added.slice(0, 100) },
  );
}
