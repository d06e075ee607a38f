import { expect } from 'vitest';
import type { PublishServiceDefinitionResult } from '../../src/jobs/publish-service-definition/schema.ts';
import type { SimulatedSiteControl } from '../../src/simulated-site/control.ts';
import type { Gateway } from '../support/gateway.ts';
import {
  changesOn,
  executed,
  outcomeOf,
  published,
  replacing,
  roads,
  test,
} from '../support/quick-publishing.ts';

const historyPath = '/v1/sites/demo/services/Transport/Roads/MapServer/history';

type History = {
  publishes: Record<string, unknown>[];
  links: { rel: string; href: string }[];
  code?: string;
};

async function read(gateway: Gateway, path: string) {
  const response = await fetch(path.startsWith('/') ? gateway.url + path : path);
  return { status: response.status, body: (await response.json()) as History };
}

test('the same again is unchanged, and nothing on the site is touched', async ({ quick }) => {
  const { site, gateway } = await quick();
  const definition = await gateway.build();
  const first = await published(gateway, definition);
  const before = site.control.state();
  site.control.clearRequests();

  const again = await published(gateway, definition);

  expect(again).toMatchObject({
    status: 'successful',
    results: {
      outcome: 'unchanged',
      verification: 'data',
      version: 1,
      outageMs: null,
      service: { layers: [{ name: 'Roads' }, { name: 'Bridges' }] },
    },
  });
  expect((first.results as PublishServiceDefinitionResult).version).toBe(1);
  expect((again.results as PublishServiceDefinitionResult).seconds.compare).toBeLessThan(1);
  expect(site.control.state().services).toEqual(before.services);
  expect(changesOn(site)).toEqual([]);
});

test('forced, the same bytes are really published again', async ({ quick }) => {
  const { site, gateway } = await quick();
  const definition = await gateway.build();
  await published(gateway, definition);

  const forced = await published(gateway, definition, { ...replacing, force: 'true' });

  expect(outcomeOf(forced)).toBe('replaced');
  expect(site.control.state().services).toMatchObject([{ generation: 2 }]);
});

const differences: [string, (control: SimulatedSiteControl) => void][] = [
  ['the settings were tuned', (control) => control.changeService(roads, { maxUsageTime: 1234 })],
  ['it was stopped', (control) => control.setRealTimeState(roads, 'STOPPED')],
  [
    'its data cannot be read any more',
    (control) => {
      control.fault({ kind: 'broken-data', layer: 1 });
      control.onRequest(({ operation }) => {
        if (operation === 'submit') control.clearFaults();
      });
    },
  ],
];

test.for(differences)('the same again is published when %s', async ([, change], { quick }) => {
  const { site, gateway } = await quick();
  const definition = await gateway.build();
  await published(gateway, definition);
  change(site.control);

  const again = await published(gateway, definition);

  expect(again.exception).toBeUndefined();
  expect(outcomeOf(again)).toBe('replaced');
});

test('other inputs make another service: it is published', async ({ quick }) => {
  const { gateway } = await quick();
  const definition = await gateway.build();
  await published(gateway, definition);
  const overrides = JSON.stringify({ maxUsageTime: 900 });

  expect(outcomeOf(await published(gateway, definition, { ...replacing, overrides }))).toBe(
    'replaced',
  );
  expect(outcomeOf(await published(gateway, definition, { ...replacing, overrides }))).toBe(
    'unchanged',
  );
});

test('a site that shows no change: the same bytes again are unproven, other bytes a failure', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  const definition = await gateway.build();
  await published(gateway, definition);
  site.control.fault({ kind: 'lying-replace' });

  const forced = await published(gateway, definition, { ...replacing, force: 'true' });

  expect(forced).toMatchObject({
    status: 'successful',
    results: { outcome: 'replaced', verification: 'unproven' },
  });
  // What is live is still what the first publish made and proved.
  expect(outcomeOf(await published(gateway, definition))).toBe('unchanged');
});

test('without force the refusal of an existing service stands', async ({ quick }) => {
  const { gateway } = await quick();
  const definition = await gateway.build();
  await published(gateway, definition);

  const again = await published(gateway, definition, { site: 'demo', folder: 'Transport' });

  expect(again).toMatchObject({ status: 'failed', exception: { code: 'service_exists' } });
});

test('the history tells every publish, failed ones too, page by page', async ({ quick }) => {
  const { site, gateway } = await quick();
  await published(gateway, await gateway.build());
  await published(gateway, await gateway.build({ layers: ['Roads', 'Tunnels'] }));
  site.control.fault({ kind: 'fail-publish', messages: ['ERROR 001369: Failed.'] });
  const failed = await published(gateway, await gateway.build({ layers: ['Other'] }));

  const { body } = await read(gateway, `${historyPath}?limit=2`);

  expect(body).toMatchObject({
    site: 'demo',
    service: 'Transport/Roads.MapServer',
    current: 2,
    publishes: [
      { version: 3, result: 'failed', isCurrent: false, isKept: false, jobID: failed.jobId },
      { version: 2, result: 'replaced', isCurrent: true, isKept: true, verification: 'data' },
    ],
  });
  const next = await read(gateway, body.links.find(({ rel }) => rel === 'next')?.href ?? '');
  expect(next.body).toMatchObject({ publishes: [{ version: 1, result: 'created', isKept: true }] });
  expect(next.body.links.map(({ rel }) => rel)).toEqual(['self']);
});

test('a service of the root has a history, one that is not known an empty one', async ({
  quick,
}) => {
  const { gateway } = await quick();
  await published(gateway, await gateway.build(), { site: 'demo' });

  const known = await read(gateway, '/v1/sites/demo/services/Roads/MapServer/history');
  expect(known.body).toMatchObject({ service: 'Roads.MapServer', publishes: [{ version: 1 }] });
  const unknown = await read(gateway, '/v1/sites/demo/services/Rails/MapServer/history');
  expect(unknown).toMatchObject({ status: 200, body: { publishes: [] } });
  const badCursor = await read(
    gateway,
    '/v1/sites/demo/services/Rails/MapServer/history?cursor=nonsense',
  );
  expect(badCursor).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
  expect(await read(gateway, '/v1/sites/nowhere/services/A/MapServer/history')).toMatchObject({
    status: 404,
  });
});

test('what was deleted is live no more, and the same again is published', async ({ quick }) => {
  const { gateway } = await quick();
  const definition = await gateway.build();
  await published(gateway, definition);

  const names = ['Transport/Roads.MapServer'];
  await executed(gateway, 'delete-services', { site: 'demo', services: { names } });
  const { body } = await read(gateway, historyPath);

  expect(body).not.toHaveProperty('current');
  expect(body.publishes).toMatchObject([{ version: 1, isCurrent: false, isKept: true }]);
  expect(outcomeOf(await published(gateway, definition))).toBe('created');
});

test('deleting that is dismissed midway tells what is gone, and how it comes back', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  const definition = await gateway.build();
  await published(gateway, definition);
  site.control.addService({ folder: 'Transport', name: 'Signs', layers: ['S'] });
  const begins = new Promise<void>((resolve) => {
    const stop = site.control.onRequest(async ({ operation, phase }) => {
      if (operation !== 'delete-service' || phase !== 'after') return;
      stop();
      await fetch(`${gateway.url}/v1/jobs/${jobID}`, { method: 'DELETE' });
      resolve();
    });
  });
  const response = await fetch(`${gateway.url}/v1/processes/delete-services/execution`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: { site: 'demo', services: { folder: 'Transport' } } }),
  });
  const { jobID } = (await response.json()) as { jobID: string };
  await begins;
  const job = await gateway.ended(jobID);

  expect(job).toMatchObject({ status: 'dismissed', undo: 'failed' });
  expect(job.message).toMatch(
    new RegExp(`Transport/Roads.MapServer .* rollback-service to version 1 .*/artifacts/${jobID}`),
  );
  expect(site.control.state().services.map(({ name }) => name)).toEqual(['Signs']);
  const file = await fetch(`${gateway.url}/v1/artifacts/${jobID}`);
  expect(await file.json()).toMatchObject([
    { name: 'Transport/Roads.MapServer', version: 1, status: { realTimeState: 'STARTED' } },
    { name: 'Transport/Signs.MapServer', version: null, service: { type: 'MapServer' } },
  ]);

  const inputs = { site: 'demo', service: 'Transport/Roads.MapServer', version: 1 };
  expect(outcomeOf(await executed(gateway, 'rollback-service', inputs))).toBe('created');
});
