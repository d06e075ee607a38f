import { fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type FuzzFinding, fuzzOnce, gatherSeeds } from '../test/support/document-fuzz.ts';
import { samples } from '../test/support/samples.ts';

/**
 * `npm run fuzz -- documents [--seconds 120] [--seed 1] [--from 0]`: changes documents by chance, reads and edits them.
 * Whatever ends in anything but content or a plain refusal, takes too long or tells a password is kept as a file.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
  },
});
const hangMs = 60_000;
const seed = Number(values.seed);

type Report = { round: number; finding?: Omit<FuzzFinding, 'bytes'> & { hex: string } };

async function runRounds(folder: string): Promise<void> {
  const seeds = await gatherSeeds(folder, samples);
  const until = Date.now() + Number(values.seconds) * 1_000;
  for (let round = Number(values.from); Date.now() < until; round += 1) {
    const finding = await fuzzOnce(round, { seed, seeds, folder });
    const { bytes, ...told } = finding ?? {};
    const report = finding && { ...told, hex: bytes?.toString('hex') };
    await new Promise((done) =>
      process.send?.({ round, ...(report && { finding: report }) }, done),
    );
  }
}

/** The rounds run in a process of their own, so that a hang or a crash of it is seen and passed over. */
async function watchRounds(from: number, until: number): Promise<number> {
  const left = Math.ceil((until - Date.now()) / 1_000);
  const args = ['documents', '--seconds', `${left}`, '--seed', `${seed}`, '--from', `${from}`];
  const child = fork(fileURLToPath(import.meta.url), args, {
    env: { ...process.env, PRESSROOM_FUZZ_CHILD: '1' },
    execArgv: ['--max-old-space-size=512', '--import', 'tsx'],
  });
  let next = from;
  let clock: NodeJS.Timeout | undefined;
  const wait = () => {
    clearTimeout(clock);
    clock = setTimeout(() => child.kill('SIGKILL'), hangMs);
  };
  wait();
  child.on('message', ({ round, finding }: Report) => {
    wait();
    next = round + 1;
    if (finding) void keep({ ...finding, bytes: Buffer.from(finding.hex, 'hex') });
  });
  const end = await new Promise<string>((done) => {
    child.once('exit', (code, signal) => done(code === 0 ? '' : String(signal ?? code)));
  });
  clearTimeout(clock);
  if (end === '') return next;
  await keep({
    round: next,
    document: '?',
    what: `the process hung or died (${end})`,
    bytes: Buffer.alloc(0),
  });
  return next + 1;
}

let found = 0;
async function keep({ round, document, what, bytes }: FuzzFinding): Promise<void> {
  found += 1;
  const file = join(tmpdir(), `pressroom-fuzz-${seed}-${round}`);
  if (bytes.length > 0) await writeFile(file, bytes);
  console.log(
    `Round ${round} of seed ${seed}, ${document}: ${what}\n  ${bytes.length > 0 ? file : ''}`,
  );
}

if (positionals[0] !== 'documents') throw new RangeError('There is one thing to fuzz: documents');
if (process.env.PRESSROOM_FUZZ_CHILD) {
  const folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
  await runRounds(folder).finally(() => rm(folder, { recursive: true, force: true }));
  process.exitCode = 0; // 7-Zip leaves its own
  process.disconnect();
} else {
  const until = Date.now() + Number(values.seconds) * 1_000;
  let round = Number(values.from);
  while (Date.now() < until) round = await watchRounds(round, until);
  console.log(`${round - Number(values.from)} rounds of seed ${seed}, ${found} findings`);
  process.exitCode = found > 0 ? 1 : 0;
}
