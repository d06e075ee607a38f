import { expect } from 'vitest';
import type { Gateway } from '../support/gateway.ts';
import {
  changesOn,
  executed,
  outcomeOf,
  published,
  replacing,
  test,
} from '../support/quick-publishing.ts';

const service = 'Transport/Roads.MapServer';

function rolledBack(gateway: Gateway, version: number, more: Record<string, unknown> = {}) {
  return executed(gateway, 'rollback-service', { site: 'demo', service, version, ...more });
}

test('an earlier version is published again, with the inputs of then', async ({ quick }) => {
  const { site, gateway } = await quick();
  const overrides = JSON.stringify({ maxUsageTime: 777 });
  await published(gateway, await gateway.build({ layers: ['Old'] }), { ...replacing, overrides });
  await published(gateway, await gateway.build({ layers: ['New', 'Newer'] }), {
    ...replacing,
    keep: '[]',
  });
  expect(site.control.state().services[0]?.json.maxUsageTime).not.toBe(777);
  site.control.clearRequests();
  const { uploadId = '' } = (await gateway.core.ledger.findVersion('demo', service, 1)) ?? {};
  const holds = gateway.core.records.keys.uploadHolds(uploadId);
  let held: string[] = [];
  const stop = site.control.onRequest(async ({ operation }) => {
    if (operation === 'submit') held = await gateway.redis.zrange(holds, '0', '-1', 'WITHSCORES');
  });

  const job = await rolledBack(gateway, 1);
  stop();

  // Should its workers die again and again, it does not hold the file for ever.
  const at = held.indexOf(`rollback:${job.jobId}`);
  expect(Number(held[at + 1])).toBeGreaterThan(Date.now());
  expect(held[at + 1]).not.toBe('inf');
  expect(await gateway.redis.zscore(holds, `rollback:${job.jobId}`)).toBeNull();

  expect(job.exception).toBeUndefined();
  expect(job).toMatchObject({
    status: 'successful',
    results: { outcome: 'replaced', version: 3, rolledBackTo: 1, restorable: 'full' },
  });
  expect(site.control.state().services).toMatchObject([
    { layers: ['Old'], realTimeState: 'STARTED', json: { maxUsageTime: 777 } },
  ]);
  const changes = changesOn(site);
  expect(changes).not.toContain('stop');
  expect(changes).not.toContain('delete-service');
  const page = await gateway.core.ledger.readPage('demo', service, { limit: 10 });
  expect(page).toMatchObject({ current: 3, versions: [{ version: 3, rollbackOf: 1 }, {}, {}] });

  const again = await rolledBack(gateway, 3);
  expect(outcomeOf(again)).toBe('unchanged');
});

test('a rollback that fails leaves the service as it was', async ({ quick }) => {
  const { site, gateway } = await quick();
  await published(gateway, await gateway.build({ layers: ['Old'] }));
  await published(gateway, await gateway.build({ layers: ['New', 'Newer'] }));
  site.control.fault({
    kind: 'fail-publish',
    messages: ['ERROR 001369: Failed to create the service.'],
    leaves: 'half-made',
  });

  const job = await rolledBack(gateway, 1);

  expect(job).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: { code: 'publishing_failed', service, liveService: { realTimeState: 'STARTED' } },
  });
  expect(site.control.state()).toMatchObject({
    uploads: [],
    services: [{ layers: ['New', 'Newer'], realTimeState: 'STARTED' }],
  });
  const page = await gateway.core.ledger.readPage('demo', service, { limit: 10 });
  expect(page).toMatchObject({ current: 2, versions: [{ version: 3, result: 'failed' }, {}, {}] });
  const first = page.versions.at(-1);
  expect(await gateway.core.uploads.findHolders(first?.uploadId ?? '')).toEqual([
    'ledger:demo:transport/roads.mapserver:1',
  ]);
});

test('a version whose definition is gone is refused with those that are kept', async ({
  quick,
}) => {
  const { site, gateway } = await quick({}, { settings: { retention: { ledgerVersions: 1 } } });
  for (const layer of ['One', 'Two', 'Three'])
    await published(gateway, await gateway.build({ layers: [layer] }));
  site.control.fault({ kind: 'fail-publish', messages: ['ERROR 001369: Failed.'] });
  await published(gateway, await gateway.build({ layers: ['Four'] }));
  site.control.clearRequests();

  expect(await rolledBack(gateway, 1)).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: { code: 'definition_not_kept', keptVersions: [3, 2] },
  });
  expect(await rolledBack(gateway, 4)).toMatchObject({
    exception: { code: 'definition_not_kept', detail: expect.stringContaining('that failed') },
  });
  expect(await rolledBack(gateway, 9)).toMatchObject({ exception: { code: 'not_found' } });
  expect(changesOn(site)).toEqual([]);
});

test('a service that is gone is made again', async ({ quick }) => {
  const { site, gateway } = await quick();
  await published(gateway, await gateway.build());
  await site.control.reset();

  const job = await rolledBack(gateway, 1);

  expect(job.exception).toBeUndefined();
  expect(outcomeOf(job)).toBe('created');
  expect(site.control.state().services).toMatchObject([{ layers: ['Roads', 'Bridges'] }]);
});

test('an imported definition makes a service of others restorable', async ({ quick }) => {
  const { site, gateway } = await quick();
  site.control.addService({ folder: 'Transport', name: 'Roads', layers: ['Roads', 'Bridges'] });
  const before = site.control.state().services;
  const own = await gateway.build();
  const { body } = await gateway.publish(
    own,
    { site: 'demo', folder: 'Transport' },
    {},
    null,
    gateway.url,
    'import-current-definition',
  );
  const imported = await gateway.ended(body.jobID);
  expect(imported.exception).toBeUndefined();
  expect(imported.results).toMatchObject({
    service,
    version: 1,
    restorable: 'full',
    compared: ['name', 'type', 'layers', 'tables'],
  });
  expect(site.control.state().services).toEqual(before);
  site.control.fault({ kind: 'fewer-layers', by: 1 });

  const failed = await published(gateway, await gateway.build({ layers: ['A', 'B', 'C'] }), {
    ...replacing,
    requireRestorable: 'true',
  });

  expect(failed).toMatchObject({ status: 'failed', undo: 'done' });
  expect(site.control.state().services).toMatchObject([
    { layers: ['Roads', 'Bridges'], realTimeState: 'STARTED' },
  ]);
  // It was published by Pressroom now, and was put there as somebody said: the same is published again.
  expect(outcomeOf(await published(gateway, own))).toBe('replaced');
});

test('a definition that cannot have made the live service is not taken for it', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  site.control.addService({ folder: 'Transport', name: 'Roads', layers: ['Roads', 'Tunnels'] });
  site.control.addService({ name: 'Asleep', realTimeState: 'STOPPED' });
  const own = await gateway.build();
  const importing = async (inputs: Record<string, string>) => {
    const { body } = await gateway.publish(
      own,
      { site: 'demo', ...inputs },
      {},
      null,
      gateway.url,
      'import-current-definition',
    );
    return gateway.ended(body.jobID);
  };

  expect(await importing({ folder: 'Transport' })).toMatchObject({
    status: 'failed',
    exception: {
      code: 'definition_mismatch',
      onlyInDefinition: ['1 Bridges'],
      onlyInService: ['1 Tunnels'],
    },
  });
  expect(await importing({})).toMatchObject({ exception: { code: 'not_found' } });
  expect(await importing({ serviceName: 'Asleep' })).toMatchObject({
    exception: { code: 'conflict' },
  });
  const page = await gateway.core.ledger.readPage('demo', service, { limit: 10 });
  expect(page.versions).toEqual([]);
});
