import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDocumentReader } from '../src/documents/document-reader.ts';
import { openOwnRedis } from '../src/lib/own-redis.ts';
import { openSimulatedSite } from '../src/simulated-site/simulated-site.ts';
import {
  compare,
  crashSettings,
  type Moment,
  type Outcome,
  runKilled,
  runUndisturbed,
  type Scenario,
  scenarios,
  type Trial,
} from '../test/support/crash-matrix.ts';
import { openGateway, testTiming } from '../test/support/gateway.ts';
import { WorkerPool } from '../test/support/worker-pool.ts';

type Say = (line: string) => void;
type Plan = { say: Say; lanes: number; only?: string | undefined };

/**
 * Kills the worker before and after every single request of every scenario.
 *
 * @returns how many moments came out otherwise than the undisturbed run
 */
export async function runCrashMatrix({ say, lanes, only }: Plan): Promise<number> {
  const redis = await openOwnRedis({}, say);
  const pool = new WorkerPool(lanes + 1);
  const folder = await mkdtemp(join(tmpdir(), 'matrix-'));
  const reader = openDocumentReader();
  let cases = 0;
  let faults = 0;

  /** A site and a gateway for one run, used by nobody else. */
  async function withTrial<T>(scenario: Scenario, run: (trial: Trial) => Promise<T>): Promise<T> {
    cases += 1;
    const name = `matrix-${cases}`;
    const site = await openSimulatedSite({ folder: join(folder, name), reader });
    const gateway = await openGateway({
      sites: { demo: { url: site.url, username: site.username, password: site.password } },
      hasWorker: false,
      documents: reader,
      settings: {
        ...crashSettings,
        redis: { url: redis.url, prefix: name },
        timing: { ...testTiming, outageProbeMs: 3_600_000 },
      },
    });
    try {
      return await run({ site, gateway, pool, scenario });
    } finally {
      await gateway.close();
      await site.close();
    }
  }

  async function tryMoment(scenario: Scenario, moment: Moment, undisturbed: Outcome) {
    const where = `${scenario.name}, ${moment.phase} ${moment.index} ${moment.operation}`;
    try {
      const killed = await withTrial(scenario, (trial) => runKilled(trial, moment));
      if (!killed) return say(`- ${where}: ended before`);
      const differences = compare(undisturbed, killed);
      if (differences.length === 0) return say(`. ${where}`);
      faults += 1;
      say(`X ${where}\n    ${differences.join('\n    ')}`);
    } catch (error) {
      faults += 1;
      say(`X ${where}\n    ${(error as Error).message}`);
    }
  }

  try {
    for (const scenario of scenarios.filter(({ name }) => !only || name === only)) {
      const { outcome, operations } = await withTrial(scenario, runUndisturbed);
      say(`${scenario.name}: ${operations.length} requests: ${operations.join(' ')}`);
      say(
        `  ${JSON.stringify(outcome.job)} ${JSON.stringify(outcome.changes)} ${outcome.left.join(' ')}`,
      );
      const moments = operations.flatMap((operation, index): Moment[] => [
        { index, operation, phase: 'before' },
        { index, operation, phase: 'after' },
      ]);
      await inLanes(lanes, moments, (moment) => tryMoment(scenario, moment, outcome));
    }
    return faults;
  } finally {
    pool.close();
    await reader.close();
    await redis.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function inLanes<T>(lanes: number, work: T[], run: (one: T) => Promise<unknown>) {
  const left = [...work];
  const lane = async () => {
    for (let next = left.shift(); next; next = left.shift()) await run(next);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
