import { existsSync } from 'node:fs';
import { expect, vi } from 'vitest';
import { writeMapFile } from '../support/arcpy-documents.ts';
import { ask, test, untilRuntimeIs } from '../support/arcpy-test.ts';
import type { Gateway } from '../support/gateway.ts';
import { startPressroom } from '../support/pressroom-process.ts';
import { environmentOf } from '../support/worker-pool.ts';

async function statusOf(gateway: Gateway, jobID: string) {
  const response = await fetch(`${gateway.url}/v1/jobs/${jobID}`);
  return (await response.json()) as {
    status: string;
    waitingFor?: { reason: string; detail: string };
  };
}

test('a job that no live worker can run says so, or is refused by choice', async ({
  openHouse,
}) => {
  const { gateway } = await openHouse({ hasWorker: false });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);

  const { body } = await ask(gateway, 'analyze-map', {}, { document });
  expect(await statusOf(gateway, body.jobID)).toMatchObject({
    status: 'accepted',
    waitingFor: { reason: 'runtime', detail: 'No live worker has an ArcPy.' },
  });
  const refused = await ask(gateway, 'analyze-map', { runtime: { ifNone: 'fail' } }, { document });
  expect(refused).toMatchObject({ status: 503, body: { code: 'no_runtime' } });

  const worker = await gateway.openWorker();
  expect((await gateway.ended(body.jobID)).status).toBe('successful');
  const newer = { runtime: { minVersion: '12.0', ifNone: 'fail' } };
  expect(await ask(gateway, 'analyze-map', newer, { document })).toMatchObject({
    body: { code: 'no_runtime', detail: expect.stringContaining('older than 12.0') },
  });
  const pro = { runtime: { product: 'pro', ifNone: 'fail' } };
  expect(await ask(gateway, 'analyze-map', pro, { document })).toMatchObject({
    body: { detail: expect.stringContaining('ArcPy of ArcGIS Server') },
  });
  await worker.close();
});

test('a job whose pool has nobody goes to a pool that comes later', async ({ openHouse }) => {
  const { gateway } = await openHouse({ hasWorker: false, arcpy: { pool: 'imagery' } });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
  const { body } = await ask(gateway, 'analyze-map', {}, { document });
  expect((await gateway.core.records.find(body.jobID))?.queue).toBe('arcpy-default');

  const worker = await gateway.openWorker();

  const record = await gateway.ended(body.jobID);
  expect(record).toMatchObject({ status: 'successful', queue: 'arcpy-imagery' });
  await worker.close();
});

test('a worker whose licence is gone gives the job back, and goes on when it is there again', async ({
  openHouse,
}) => {
  const { gateway, scenario } = await openHouse({ arcpy: { jobsPerProcess: 1 } });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
  await untilRuntimeIs(gateway, 'idle');
  const first = await ask(gateway, 'analyze-map', {}, { document });
  await gateway.ended(first.body.jobID);
  await scenario.play({ productInfo: 'NotInitialized' });

  const { body } = await ask(gateway, 'analyze-map', {}, { document });

  await untilRuntimeIs(gateway, 'unusable');
  await vi.waitFor(async () =>
    expect(await statusOf(gateway, body.jobID)).toMatchObject({
      waitingFor: { reason: 'runtime', detail: expect.stringContaining('not licensed') },
    }),
  );
  await scenario.play({});
  expect((await gateway.ended(body.jobID)).status).toBe('successful');
});

test('a dismissed job ends the process within a second', async ({ openHouse }) => {
  const { gateway, scenario } = await openHouse({ first: { trouble: { stage: { hang: true } } } });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
  const { body } = await ask(gateway, 'analyze-map', {}, { document });
  const [staging] = await vi.waitUntil(async () => {
    const calls = await scenario.calls('StageService');
    return calls.length > 0 && calls;
  }, 15_000);

  await fetch(`${gateway.url}/v1/jobs/${body.jobID}`, { method: 'DELETE' });
  const record = await gateway.ended(body.jobID, 5_000);

  expect(record.status).toBe('dismissed');
  expect(isRunning(staging?.pid ?? 0)).toBe(false);
});

test('a worker that hands over while ArcPy works leaves the job to the next', async ({
  openHouse,
}) => {
  const { gateway, scenario } = await openHouse({
    hasWorker: false,
    first: { trouble: { stage: { hang: true } } },
  });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
  const worker = await gateway.openWorker();
  const { body } = await ask(gateway, 'analyze-map', {}, { document });
  await vi.waitUntil(async () => (await scenario.calls('StageService')).length > 0, 15_000);

  await worker.close();
  await scenario.play({});
  const next = await gateway.openWorker();

  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'successful', attempt: 2 });
  await next.close();
});

test('a worker that is killed while staging leaves nothing behind, and another one does the job', async ({
  openHouse,
}) => {
  const { gateway, scenario } = await openHouse({
    hasWorker: false,
    settings: { queue: { lockSeconds: 2, stalledCheckSeconds: 1, sweepSeconds: 1 } },
    first: { trouble: { stage: { hang: true } } },
  });
  const { arcpy } = gateway.config;
  const env = { ...(await environmentOf(gateway, { arcpy })), ...pick(scenario.env) };
  const worker = await startPressroom('worker', env);
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
  const { body } = await ask(
    gateway,
    'create-map-service-definition',
    { serviceName: 'Roads' },
    { document },
  );
  const staging = await vi.waitUntil(async () => (await scenario.calls('StageService'))[0], {
    timeout: 20_000,
    interval: 50,
  });

  worker.signal('SIGKILL');
  await vi.waitUntil(() => !isRunning(staging.pid), 10_000);
  await scenario.play({});
  const next = await gateway.openWorker();

  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'successful', attempt: 2 });
  expect(existsSync(String(staging.cwd))).toBe(false);
  await next.close();
});

/** The variables that lead Python to the stand-in. */
function pick({ PYTHONPATH = '', PRESSROOM_TEST_ARCPY = '' }: NodeJS.ProcessEnv) {
  return { PYTHONPATH, PRESSROOM_TEST_ARCPY };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
