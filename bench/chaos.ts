import { parseArgs } from 'node:util';
import { balanceBooks } from './chaos-books.ts';
import { ChaosHouse } from './chaos-house.ts';
import { runChaos } from './chaos-run.ts';
import { runCrashMatrix } from './crash-matrix.ts';
import { SeededRandom } from './seeded-random.ts';

const usage = `npm run chaos -- [options]

  --minutes 5 --seed 7 --workers 3   publishes, dismisses and breaks things at random, then balances the books
  --matrix [--only create] [--lanes 2]   kills the worker before and after every single request
`;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function runAtRandom(minutes: number, seed: number, workers: number): Promise<number> {
  say(`Seed ${seed}, ${minutes} minutes, ${workers} workers`);
  const house = await ChaosHouse.open(workers);
  try {
    const log = await runChaos(house, { minutes, random: new SeededRandom(seed), say });
    say(`Done: ${JSON.stringify(log.done)}. Balancing the books.`);
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
    workers: { type: 'string', default: '3' },
    matrix: { type: 'boolean', default: false },
    only: { type: 'string' },
    lanes: { type: 'string', default: '2' },
  },
});
if (values.help) {
  say(usage);
  process.exit(0);
}
const faults = values.matrix
  ? await runCrashMatrix({ say, lanes: Number(values.lanes), only: values.only })
  : await runAtRandom(Number(values.minutes), Number(values.seed), Number(values.workers));
say(faults === 0 ? 'The books balance.' : `${faults} faults`);
process.exit(faults === 0 ? 0 : 1);
