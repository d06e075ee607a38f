import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ended, run } from '../support/data-stores.ts';
import { startPressroom } from '../support/pressroom-process.ts';
import { test } from '../support/publishing-test.ts';
import { startPressroom as startCommand } from '../support/run-pressroom.ts';
import { endWell, environmentOf } from '../support/worker-pool.ts';

test('a worker serves the queues that it was told, and leaves the others', async ({
  openSite,
  open,
}) => {
  const [near, far] = [await openSite(), await openSite()];
  for (const site of [near, far]) site.control.addService({ name: 'A', layers: ['L'] });
  const addressOf = ({ url, username, password }: typeof near) => ({ url, username, password });
  const sites = { near: addressOf(near), far: addressOf(far) };
  const gateway = await open(near, { sites, hasWorker: false });
  const env = await environmentOf(gateway);
  const worker = await startPressroom('worker', env, ['--queues', 'site-near, here']);
  const services = { names: ['A.MapServer'] };

  const left = await run(gateway, 'stop-services', { site: 'far', services });
  const done = await ended(gateway, 'stop-services', { site: 'near', services });

  expect(done).toMatchObject({ status: 'successful' });
  const waiting = await gateway.core.records.find(left.body.jobID);
  expect(waiting).toMatchObject({ status: 'accepted', attempt: 0 });
  // Nor does it look at sites that it does not serve: it may not reach them.
  expect(far.control.requests()).toEqual([]);
  expect(near.control.requests()).not.toEqual([]);
  await endWell(worker);
});

const mistakes: [queues: string, words: string][] = [
  ['here,site-nowhere', 'there is no "site-nowhere". The queues of this configuration are here,'],
  [',', '--queues names no queue. The queues of this configuration are here,'],
];

test('a queue that is none is refused with those that are; --help tells', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'queues-'));
  const file = join(folder, 'pressroom.yaml');
  await writeFile(file, 'redis: { url: "redis://127.0.0.1:1" }');
  const start = (...args: string[]) =>
    startCommand(['worker', ...args], { env: { PRESSROOM_CONFIG: file }, cwd: folder }).ended;
  try {
    const answers = await Promise.all(mistakes.map(([queues]) => start('--queues', queues)));
    const help = await start('--help');

    for (const [at, [, words]] of mistakes.entries())
      expect(answers[at]).toMatchObject({ code: 78, stderr: expect.stringContaining(words) });
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('--queues') });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
