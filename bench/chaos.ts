import { parseArgs } from 'node:util';
import { balanceBooks } from './chaos-books.ts';
import { ChaosHouse } from './chaos-house.ts';
import { type ChaosPlan, runChaos } from './chaos-run.ts';
import { runCrashMatrix } from './crash-matrix.ts';
import { SeededRandom } from './seeded-random.ts';

const usage = `npm run chaos -- [options]

  --minutes 5 --seed 7 --workers 3   asks, dismisses and breaks things at random, then balances the books
  --jobs 10000 --workers 2           so many jobs as fast as they are taken, with a kill every few seconds
  --matrix [--only create] [--how lost] [--share 0.1] [--lanes 2]
                                     disturbs every single request of every scenario; or some of them
`;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function runAtRandom(
  plan: Omit<ChaosPlan, 'random' | 'say'> & { seed: number; workers: number },
) {
  const { seed, workers, until } = plan;
  const isMany = 'jobs' in until;
  say(
    `Seed ${seed}, ${isMany ? `${until.jobs} jobs` : `${until.minutes} minutes`}, ${workers} workers`,
  );
  const shape = isMany ? { publishMs: 50, slots: 8 } : { publishMs: 600, slots: 2 };
  const house = await ChaosHouse.open({ workers, ...shape });
  try {
    const log = await runChaos(house, { until, random: new SeededRandom(seed), say });
    say(`Done: ${JSON.stringify(log.done, undefined, 2)}. Balancing the books.`);
    const { faults, notes, counts } = await balanceBooks(house, log);
    say(JSON.stringify(counts, undefined, 2));
    for (const note of notes) say(`note: ${note}`);
    for (const fault of faults) say(`FAULT: ${fault}`);
    return faults.length + (counts.unbalanced ?? 0);
  } finally {
    await house.close();
  }
}

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    jobs: { type: 'string' },
    workers: { type: 'string', default: '3' },
    matrix: { type: 'boolean', default: false },
    only: { type: 'string' },
    how: { type: 'string' },
    share: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '2' },
  },
});
if (values.help) {
  say(usage);
  process.exit(0);
}
const seed = Number(values.seed);
const { only, how } = values;
const faults = values.matrix
  ? await runCrashMatrix({
      ...{ say, only, how, seed },
      lanes: Number(values.lanes),
      share: Number(values.share),
    })
  : await runAtRandom({
      until: values.jobs ? { jobs: Number(values.jobs) } : { minutes: Number(values.minutes) },
      workers: Number(values.workers),
      seed,
    });
say(faults === 0 ? 'The books balance.' : `${faults} faults`);
process.exit(faults === 0 ? 0 : 1);
