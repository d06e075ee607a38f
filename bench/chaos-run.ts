import { setTimeout as pause } from 'node:timers/promises';
import { disturbances, killings, spoilSite } from './chaos-disturbances.ts';
import type { ChaosHouse } from './chaos-house.ts';
import { type Asked, askForJob, dismissLater, postJson } from './chaos-jobs.ts';
import type { SeededRandom } from './seeded-random.ts';

type Say = (line: string) => void;

export type ChaosPlan = {
  random: SeededRandom;
  say: Say;
  /** How long; or how many jobs, as fast as they are taken, with killing only. */
  until: { minutes: number } | { jobs: number };
};

export type ChaosLog = { asked: Asked[]; done: Record<string, number>; troubles: string[] };

const callersAtOnce = 4;

/** Asks, dismisses, and makes things go wrong, until it is enough. */
export async function runChaos(
  house: ChaosHouse,
  { until, random, say }: ChaosPlan,
): Promise<ChaosLog> {
  const log: ChaosLog = { asked: [], done: {}, troubles: [] };
  const beganMs = Date.now();
  const isMany = 'jobs' in until;
  let number = 0;
  let isEnough = false;
  const dismissals: Promise<void>[] = [];
  const count = (what: string) => {
    log.done[what] = (log.done[what] ?? 0) + 1;
  };

  function isOver(): boolean {
    return isMany ? number >= until.jobs : Date.now() - beganMs > until.minutes * 60_000;
  }

  async function askOn(): Promise<void> {
    while (!isOver()) {
      const asked = await askForJob(house, random, { number: number++, isSpread: isMany });
      log.asked.push(asked);
      if (asked.jobId && random.chance(isMany ? 0.02 : 0.12))
        dismissals.push(dismissLater(house, asked.jobId, random.between(0, 4_000)));
      if (isMany) continue;
      if (random.chance(0.25)) count(`site: ${spoilSite(house, random)}`);
      await pause(random.between(200, 1_400));
    }
  }

  async function disturbOn(): Promise<void> {
    while (!isEnough) {
      await pause(random.between(2_000, 5_000));
      const what = await random.pick(isMany ? killings : disturbances)(house, random);
      count(what);
      if (what.includes('badly')) log.troubles.push(what);
      say(`${Math.round((Date.now() - beganMs) / 1000)} s, ${log.asked.length} asked: ${what}`);
    }
  }

  await registerReceiver(house);
  const disturbing = disturbOn();
  await Promise.all(Array.from({ length: isMany ? callersAtOnce : 1 }, askOn));
  await Promise.all(dismissals);
  if (isMany) await untilFewAreLeft(house, say);
  isEnough = true;
  await disturbing;
  return log;
}

async function registerReceiver(house: ChaosHouse): Promise<void> {
  await postJson(house, '/v1/webhook-endpoints', {
    url: `${house.receiver.url}/hook`,
    eventTypes: ['job.successful', 'job.failed', 'job.dismissed'],
  });
}

/** The killing goes on while the jobs are worked off. */
async function untilFewAreLeft(house: ChaosHouse, say: Say): Promise<void> {
  for (;;) {
    await pause(3_000);
    const left = await countLeft(house);
    if (left !== undefined && left < 20) return;
    say(`${left ?? 'many'} jobs are left`);
  }
}

async function countLeft(house: ChaosHouse): Promise<number | undefined> {
  try {
    const path = '/v1/jobs?status=accepted,running&limit=1000';
    const response = await fetch(house.url + path, { signal: AbortSignal.timeout(10_000) });
    return ((await response.json()) as { jobs: unknown[] }).jobs.length;
  } catch {
    return undefined;
  }
}
