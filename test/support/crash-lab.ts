import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lifecycle } from '../../src/lib/lifecycle.ts';
import { createLog } from '../../src/lib/log.ts';
import { openSimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import {
  compare,
  crashSettings,
  isDismissal,
  type Moment,
  type Outcome,
  runDismissed,
  runDisturbed,
  runUndisturbed,
  type Trial,
} from './crash-matrix.ts';
import type { Scenario } from './crash-scenarios.ts';
import { openGateway, testTiming } from './gateway.ts';
import { sharedReader } from './shared-reader.ts';
import { WorkerPool } from './worker-pool.ts';

type Undisturbed = { outcome: Outcome; operations: string[] };

export type CrashLab = Awaited<ReturnType<typeof openCrashLab>>;

/** Runs scenarios, disturbed and not, each on a site and a gateway of its own. */
export async function openCrashLab({ redisUrl, lanes }: { redisUrl: string; lanes: number }) {
  const lifecycle = new Lifecycle(createLog({ level: 'error' }));
  const folder = lifecycle.opened('folder', await mkdtemp(join(tmpdir(), 'crashes-')), (path) =>
    rm(path, { recursive: true, force: true }),
  );
  const pool = lifecycle.opened('workers', new WorkerPool(lanes + 1), (it) => it.close());
  pool.fill();
  const known = new Map<string, Promise<Undisturbed>>();
  const lane = new Lanes(lanes);

  /** So many at a time, whoever asks. */
  async function withTrial<T>(scenario: Scenario, run: (trial: Trial) => Promise<T>): Promise<T> {
    await lane.take();
    try {
      return await withOwnTrial(scenario, run);
    } finally {
      lane.giveBack();
    }
  }

  async function withOwnTrial<T>(
    scenario: Scenario,
    run: (trial: Trial) => Promise<T>,
  ): Promise<T> {
    const name = `crash-${randomUUID().slice(0, 8)}`;
    const site = await openSimulatedSite({ folder: join(folder, name), reader: sharedReader() });
    const gateway = await openGateway({
      sites: { demo: { url: site.url, username: site.username, password: site.password } },
      hasWorker: false,
      settings: {
        ...crashSettings,
        redis: { url: redisUrl, prefix: name },
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

  /** Once for each scenario. */
  function undisturbed(scenario: Scenario): Promise<Undisturbed> {
    const found = known.get(scenario.name) ?? withTrial(scenario, runUndisturbed);
    known.set(scenario.name, found);
    return found;
  }

  return {
    undisturbed,
    /** @returns what differs from the undisturbed run; `too late` when the job ended before the moment came */
    async disturbed(scenario: Scenario, moment: Moment): Promise<string[] | 'too late'> {
      if (isDismissal(moment)) {
        const trial = await withTrial(scenario, (own) => runDismissed(own, moment));
        return trial ?? 'too late';
      }
      const { outcome } = await undisturbed(scenario);
      const other = await withTrial(scenario, (trial) => runDisturbed(trial, moment));
      const { mayRepeat = [], refused } = scenario;
      const isRefused = refused !== undefined && moment.how.startsWith('killed');
      const repeated = isRefused ? [...mayRepeat, refused] : mayRepeat;
      return other ? compare(outcome, other, { mayRepeat: repeated }) : 'too late';
    },
    close: () => lifecycle.close(),
  };
}

/** Lets so many through at a time. */
class Lanes {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}
