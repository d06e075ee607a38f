import { openOwnRedis } from '../src/lib/own-redis.ts';
import { openCrashLab } from '../test/support/crash-lab.ts';
import { dismissals, disturbances, type Moment, toMoments } from '../test/support/crash-matrix.ts';
import { type Scenario, scenarios } from '../test/support/crash-scenarios.ts';
import { SeededRandom } from './seeded-random.ts';

type Say = (line: string) => void;
type Plan = {
  say: Say;
  lanes: number;
  only?: string | undefined;
  how?: string | undefined;
  /** Of all moments, chosen by the seed. */
  share: number;
  seed: number;
};

/**
 * Disturbs every single request of every scenario.
 *
 * @returns how many moments came out otherwise than the undisturbed run
 */
export async function runCrashMatrix(plan: Plan): Promise<number> {
  const { say, lanes, only, how, share, seed } = plan;
  const random = new SeededRandom(seed);
  const redis = await openOwnRedis({}, say);
  const lab = await openCrashLab({ redisUrl: redis.url, lanes });
  let faults = 0;

  async function tryMoment(scenario: Scenario, moment: Moment) {
    const where = `${scenario.name}: ${moment.how} ${moment.operation} ${moment.nth}`;
    try {
      const differences = await lab.disturbed(scenario, moment);
      if (differences === 'too late') return say(`- ${where}: ended before`);
      if (differences.length === 0) return say(`. ${where}`);
      faults += 1;
      say(`X ${where}\n    ${differences.join('\n    ')}`);
    } catch (error) {
      faults += 1;
      say(`X ${where}\n    ${(error as Error).message}`);
    }
  }

  try {
    for (const scenario of scenarios.filter(({ name }) => !only || name.includes(only))) {
      const { outcome, operations } = await lab.undisturbed(scenario);
      say(`${scenario.name}: ${operations.length} requests: ${operations.join(' ')}`);
      say(`  ${JSON.stringify(outcome.job)} ${JSON.stringify(outcome.changes)}`);
      const ways = [...disturbances, ...dismissals].filter((each) => !how || each.includes(how));
      const moments = toMoments(operations, ways).filter(() => random.chance(share));
      await Promise.all(moments.map((moment) => tryMoment(scenario, moment)));
    }
    return faults;
  } finally {
    await lab.close();
    await redis.close();
  }
}
