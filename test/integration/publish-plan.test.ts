import { expect } from 'vitest';
import { ServicePlan } from '../../src/jobs/publish-plan/schema.ts';
import type { Gateway } from '../support/gateway.ts';
import {
  changesOn,
  outcomeOf,
  published,
  replacing,
  roads,
  test,
} from '../support/quick-publishing.ts';

async function planned(
  gateway: Gateway,
  definition: string,
  inputs: Record<string, string> = replacing,
): Promise<ServicePlan> {
  const { response, body } = await gateway.publish(
    definition,
    inputs,
    {},
    null,
    gateway.url,
    'publish-plan',
  );
  expect(response.status).toBe(201);
  const job = await gateway.ended(body.jobID);
  expect(job.exception).toBeUndefined();
  return ServicePlan.parse(job.results);
}

test('a new service is planned and then published as planned', async ({ quick }) => {
  const { site, gateway } = await quick();
  const definition = await gateway.build();

  const plan = await planned(gateway, definition);

  expect(plan).toMatchObject({
    action: 'create',
    makesFolder: true,
    live: null,
    difference: null,
    tileCache: null,
    restorable: 'not-needed',
    refusals: [],
    waits: [],
    service: { name: 'Roads', folder: 'Transport', type: 'MapServer' },
  });
  expect(changesOn(site)).toEqual([]);
  expect(site.control.state()).toMatchObject({ services: [], folders: [], uploads: [] });
  expect((await planned(gateway, definition)).digest).toBe(plan.digest);

  const job = await published(gateway, definition, { ...replacing, ifPlanIs: plan.digest });
  expect(outcomeOf(job)).toBe('created');
  const late = await published(gateway, definition, {
    ...replacing,
    force: 'true',
    ifPlanIs: plan.digest,
  });
  expect(late).toMatchObject({ status: 'failed', exception: { code: 'plan_changed' } });
});

test('a replacement shows what would change', async ({ quick }) => {
  const { site, gateway } = await quick();
  await published(
    gateway,
    await gateway.build({
      layers: ['Roads', 'Bridges', 'Signs', 'Old'],
      extensions: [{ typeName: 'WMSServer', isEnabled: true }],
      properties: { isCached: 'true' },
    }),
  );
  site.control.changeService(roads, { minInstancesPerNode: 3 });
  site.control.clearRequests();

  const plan = await planned(
    gateway,
    await gateway.build({
      layers: ['Roads', 'Crossings', 'Tunnels', 'Bridges'],
      capabilities: ['Map', 'Query'],
      extensions: [{ typeName: 'FeatureServer', isEnabled: true, capabilities: ['Query'] }],
      databases: [{ name: 'gis', isCopied: true, datasets: [{ name: 'roads' }] }],
      keepsMapCache: true,
    }),
    { ...replacing, overrides: JSON.stringify({ maxUsageTime: 900 }) },
  );

  expect(plan).toMatchObject({
    action: 'replace',
    method: 'manifest',
    makesFolder: false,
    restorable: 'settings-only',
    live: { configuredState: 'STARTED', realTimeState: 'STARTED', version: null },
    tileCache: { effect: 'asked-to-keep' },
    difference: {
      settings: [{ key: 'maxUsageTime', from: 600, to: 900 }],
      capabilities: { added: [], removed: ['Data'] },
      layers: {
        added: [{ id: 1, name: 'Crossings' }],
        removed: [{ id: 3, name: 'Old' }],
        renamed: [{ id: 2, from: 'Signs', to: 'Tunnels' }],
        renumbered: [{ name: 'Bridges', from: 1, to: 3 }],
      },
      dataSources: { added: ['roads (copied to the site)'], removed: [] },
    },
  });
  expect(plan.kept).toContainEqual({ key: 'minInstancesPerNode', value: 3 });
  expect(plan.difference?.extensions).toMatchObject([
    { typeName: 'FeatureServer', change: 'switched-on' },
    { typeName: 'WMSServer', change: 'switched-off' },
  ]);
  expect(plan.warnings.join(' ')).toContain('only the settings');
  expect(changesOn(site)).toEqual([]);
});

test('what has changed since the plan is named, and nothing is uploaded', async ({ quick }) => {
  const { site, gateway } = await quick();
  await published(gateway, await gateway.build());
  const next = await gateway.build({ layers: ['Roads', 'Tunnels'] });
  const plan = await planned(gateway, next);
  expect(plan).toMatchObject({ action: 'replace', restorable: 'full', live: { version: 1 } });
  const before = site.control.state().services;
  site.control.changeService(roads, { maxUsageTime: 1234 });
  site.control.clearRequests();

  const late = await published(gateway, next, { ...replacing, ifPlanIs: plan.digest });

  expect(late).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: { code: 'plan_changed', service: 'Transport/Roads.MapServer' },
  });
  const { differences } = late.exception as unknown as { differences: { what: string }[] };
  expect(differences.map(({ what }) => what).sort()).toEqual([
    'last change of the live service',
    'the live service, in maxUsageTime',
    'what could be put back',
  ]);
  expect(late.exception?.detail).toContain('in maxUsageTime');
  expect(changesOn(site)).toEqual([]);
  expect(site.control.state().services).toMatchObject([{ layers: before[0]?.layers ?? [] }]);

  const other = await published(gateway, await gateway.build({ layers: ['X'] }), {
    ...replacing,
    verify: 'started',
    ifPlanIs: (await planned(gateway, next)).digest,
  });
  expect(other.exception?.detail).toContain('SHA-256 of the definition; the input verify');
  const unknown = await published(gateway, next, { ...replacing, ifPlanIs: '0'.repeat(64) });
  expect(unknown.exception).toMatchObject({ code: 'plan_changed', differences: [] });

  const again = await planned(gateway, next);
  const job = await published(gateway, next, { ...replacing, ifPlanIs: again.digest });
  expect(outcomeOf(job)).toBe('replaced');
});

test('everything that stands against it is told, and what it would wait for', async ({ quick }) => {
  const { site, gateway } = await quick();
  site.control.addService({ folder: 'Transport', name: 'Roads', layers: ['Old'] });
  site.control.fault({ kind: 'block-data-copy' });
  site.control.setMode('READ_ONLY');
  const definition = await gateway.build({
    databases: [{ name: 'gis', isCopied: true, datasets: [{ name: 'roads' }] }],
  });

  const plan = await planned(gateway, definition, { site: 'demo', folder: 'Transport' });

  expect(plan.action).toBe('refuse');
  expect(plan.refusals.map(({ code }) => code)).toEqual(['copied_data_refused', 'service_exists']);
  expect(plan.waits).toMatchObject([{ code: 'site_read_only' }]);
});

test('unchanged and skipped are planned as such, and run as planned', async ({ quick }) => {
  const { site, gateway } = await quick();
  const definition = await gateway.build();
  await published(gateway, definition);

  const plan = await planned(gateway, definition);
  expect(plan).toMatchObject({ action: 'unchanged', difference: null });
  const job = await published(gateway, definition, { ...replacing, ifPlanIs: plan.digest });
  expect(outcomeOf(job)).toBe('unchanged');

  const skipping = { ...replacing, ifExists: 'skip' };
  const skip = await planned(gateway, definition, skipping);
  expect(skip).toMatchObject({ action: 'skip', live: null });
  const skipped = await published(gateway, definition, { ...skipping, ifPlanIs: skip.digest });
  expect(outcomeOf(skipped)).toBe('skipped');

  site.control.changeService(roads, { maxUsageTime: 1234 });
  const late = await published(gateway, definition, { ...replacing, ifPlanIs: plan.digest });
  expect(late).toMatchObject({ status: 'failed', exception: { code: 'plan_changed' } });
  expect(late.exception?.detail).toContain('what would be done');
});
