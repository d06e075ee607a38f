import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toText } from '../../sites/service-target.ts';
import { scratch } from '../../storage/folder-storage.ts';
import { keepArtifact } from '../artifact-records.ts';
import type { ChildWish } from '../job-children.ts';
import type { JobContext } from '../job-type.ts';
import { digestOf } from '../publish-service-definition/content-key.ts';
import { defineStep, type StepContext } from '../step.ts';
import { type PlannedWish, planWishes } from './plan-wishes.ts';
import { type PlannedService, PlanOfAll, type ServicePlan } from './schema.ts';

type Input = JobContext & { wishes: readonly ChildWish[] };

/** So many stand in the results; all of them in the file beside. */
const mostShown = 1_000;
const tellEvery = 25;

/** Every definition on every site. All that is found goes into a file, as it comes. */
export const planAll = defineStep<Input, PlanOfAll>({
  name: 'plan',
  title: 'Looking at the sites and the definitions',
  share: [2, 99],
  result: PlanOfAll,
  act: async (input, context) => {
    const { storage, jobId, owner, ledger } = input;
    const digests: Record<string, string> = {};
    const services: PlannedService[] = [];
    const planned = { create: 0, replace: 0, skip: 0, unchanged: 0, refuse: 0 };
    const note = (row: PlannedWish) => {
      digests[row.key] = row.digest;
      planned[row.plan.action] += 1;
      if (services.length < mostShown) services.push(toRow(row));
    };
    const details = await storage.scratch(
      `${scratch}/${jobId}-${context.attempt}-plan`,
      async (path) => {
        await pipeline(Readable.from(writeAll(input, context, note)), createWriteStream(path));
        return keepArtifact(storage, {
          jobId,
          owner,
          name: 'plan.json',
          path,
          signal: context.signal,
        });
      },
    );
    const digest = digestOf(digests);
    await ledger.savePlan(digest, digests);
    return { planned, services, details, digest };
  },
});

async function* writeAll(
  { wishes, ...input }: Input,
  context: StepContext,
  note: (row: PlannedWish) => void,
): AsyncGenerator<string> {
  let at = 0;
  yield '[';
  for await (const row of planWishes(wishes, { ...input, signal: context.signal })) {
    note(row);
    const { key, site, plan } = row;
    yield `${at === 0 ? '' : ','}\n${JSON.stringify({ key, site, ...plan })}`;
    at += 1;
    if (at % tellEvery === 0)
      await context.progress(at / wishes.length, `Looked at ${at} of ${wishes.length}`);
  }
  yield '\n]\n';
}

function toRow({ key, site, plan, digest, state }: PlannedWish): PlannedService {
  const full = 'service' in plan ? plan : undefined;
  const service = full
    ? toText({ ...full.service, serviceName: full.service.name })
    : state.service;
  return {
    key,
    site,
    ...(service !== undefined && { service }),
    action: plan.action,
    changes: countChanges(full?.difference ?? null),
    restorable: full?.restorable ?? 'not-needed',
    refusals: plan.refusals.map(({ code }) => code),
    waits: plan.waits.map(({ code }) => code),
    warnings: plan.warnings.length,
    digest,
  };
}

function countChanges(difference: ServicePlan['difference']): number {
  if (!difference) return 0;
  const { settings, capabilities, extensions, layers, dataSources } = difference;
  const lists: unknown[][] = [
    settings,
    extensions,
    ...Object.values(capabilities),
    ...Object.values(layers ?? {}),
    ...Object.values(dataSources ?? {}),
  ];
  return lists.reduce((sum, { length }) => sum + length, 0);
}
