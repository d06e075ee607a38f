import { afterAll, describe, expect, inject } from 'vitest';
import { type CrashLab, openCrashLab } from '../support/crash-lab.ts';
import type { Disturbance } from '../support/crash-matrix.ts';
import { scenarios } from '../support/crash-scenarios.ts';
import { test } from '../support/publishing-test.ts';
import { endWell, environmentOf, WorkerPool } from '../support/worker-pool.ts';

/*
 * The short form of `npm run chaos -- --matrix`, which disturbs every request of every scenario in every way.
 * Here are requests that change something, and those before and after which it matters most.
 */
const moments: [scenario: string, how: Disturbance, operation: string, nth?: number][] = [
  ['create', 'killed before', 'upload'],
  ['create', 'killed after', 'create-folder'],
  ['create', 'killed before', 'submit'],
  ['create', 'killed after', 'submit'],
  ['create', 'killed after', 'delete-upload'],
  ['create', 'frozen after', 'submit'],
  ['create', 'lost', 'upload'],
  ['create', 'lost', 'submit'],
  ['create', 'late', 'submit'],
  ['replace', 'killed after', 'upload'],
  ['replace', 'killed before', 'submit'],
  ['replace', 'killed after', 'submit'],
  ['replace', 'killed before', 'delete-upload'],
  ['undo a create', 'killed after', 'delete-service'],
  ['undo a replacement', 'killed before', 'submit'],
  // The old definition, published again.
  ['undo a replacement', 'killed after', 'upload', 1],
  ['undo a replacement', 'killed after', 'submit', 1],
  ['register a folder', 'killed after', 'register-item'],
  ['undo a registration', 'killed after', 'unregister-item'],
  ['register a connection file', 'killed after', 'submit'],
  ['update a folder', 'killed after', 'edit-data-item'],
  ['update a folder', 'lost', 'edit-data-item'],
  ['unregister', 'killed after', 'unregister-item'],
  ['undo a stop of services', 'lost', 'start'],
  ['rotate a password', 'killed after', 'edit-data-item'],
];

let lab: Promise<CrashLab> | undefined;
afterAll(async () => (await lab)?.close());

describe.concurrent('a job ends as if nothing had happened', () => {
  test.for(moments)(
    '%s, %s %s',
    { timeout: 300_000 },
    async ([name, how, operation, nth = 0], { expect }) => {
      lab ??= openCrashLab({ redisUrl: inject('redisUrl'), lanes: 3 });
      const scenario = scenarios.find((each) => each.name === name);
      if (!scenario) throw new Error(`There is no scenario ${name}`);

      expect(await (await lab).disturbed(scenario, { operation, nth, how })).toEqual([]);
    },
  );
});

test('SIGTERM hands a running job over: exit 0, and the next worker goes on', async ({
  openSite,
  open,
}) => {
  const pool = new WorkerPool(2);
  const site = await openSite({ publishMs: 3_000 });
  const gateway = await open(site, { hasWorker: false });
  const env = await environmentOf(gateway);
  const first = await pool.start(env);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  await gateway.until(body.jobID, (record) => record.step === 'await');

  await endWell(first);
  const second = await pool.start(env);

  expect(await gateway.ended(body.jobID, 40_000)).toMatchObject({
    status: 'successful',
    deaths: 0,
    attempts: [{ outcome: 'handed-over', step: 'await' }, { outcome: 'ended' }],
  });
  expect(site.control.requests().filter(({ operation }) => operation === 'submit')).toHaveLength(1);
  await endWell(second);
  pool.close();
});

test('a second SIGTERM ends a worker at once; another one goes on with its job', async ({
  openSite,
  open,
}) => {
  const pool = new WorkerPool(2);
  const site = await openSite({ publishMs: 1_000 });
  const gateway = await open(site, {
    hasWorker: false,
    settings: { queue: { lockSeconds: 1.5, stalledCheckSeconds: 0.5 } },
  });
  const env = await environmentOf(gateway);
  const first = await pool.start(env);
  // It waits for an answer that does not come: draining would take its time.
  site.control.fault({ kind: 'slow', operation: 'poll', ms: 8_000 });
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  await new Promise<void>((resolve) => {
    const stop = site.control.onRequest(({ operation }) => {
      if (operation !== 'poll') return;
      stop();
      resolve();
    });
  });
  first.signal('SIGTERM');
  await expect.poll(first.output, { timeout: 10_000 }).toContain('Stopping');
  const beganMs = Date.now();

  first.signal('SIGTERM');
  const { code } = await first.ended;
  const tookMs = Date.now() - beganMs;

  expect(code).toBe(1);
  expect(tookMs).toBeLessThan(5_000); // requests under way are broken off after 10 s only
  const second = await pool.start(env);
  expect(await gateway.ended(body.jobID, 40_000)).toMatchObject({ status: 'successful' });
  await endWell(second);
  pool.close();
});
