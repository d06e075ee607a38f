import { openAsBlob } from 'node:fs';
import { expect } from 'vitest';
import type { JobRecord } from '../../src/jobs/job-record.ts';
import type { PlannedService, PublishPlanResult } from '../../src/jobs/publish-plan/schema.ts';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import type { Gateway } from '../support/gateway.ts';
import { changesOn, test } from '../support/quick-publishing.ts';

type Part = string | { path: string; name: string };

async function run(gateway: Gateway, process: string, parts: [string, Part][]): Promise<JobRecord> {
  const form = new FormData();
  for (const [name, value] of parts) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, await openAsBlob(value.path), value.name);
  }
  const url = `${gateway.url}/v1/processes/${process}/execution`;
  const response = await fetch(url, { method: 'POST', body: form });
  const body = (await response.json()) as { jobID: string };
  if (response.status !== 201) throw new Error(JSON.stringify(body));
  return gateway.ended(body.jobID);
}

async function readDetails({ url }: Gateway, { details }: PublishPlanResult): Promise<object[]> {
  return (await (await fetch(url + details?.href)).json()) as object[];
}

const bySite = (site: string) => (row: PlannedService) => row.site === site;
const actions = (rows: PlannedService[] = []) => rows.map(({ key, action }) => [key, action]);
const submits = (site: SimulatedSite) =>
  site.control.requests().filter(({ operation }) => operation === 'submit').length;

const two = (one: SimulatedSite) => ({
  more: { other: { url: one.url, username: one.username, password: one.password } },
});

test('a release is planned as a whole, and runs only while all of it is as planned', async ({
  openSite,
  quick,
}) => {
  const other = await openSite({ publishMs: 40, startMs: 10, politePollMs: 30 });
  const { site, gateway } = await quick({}, two(other));
  other.control.addService({ folder: 'Transport', name: 'Roads', layers: ['Old'] });
  const roads = { path: await gateway.build({ serviceName: 'Roads' }), name: 'roads.sd' };
  const parcels = { path: await gateway.build({ serviceName: 'Parcels' }), name: 'parcels.sd' };
  const request: [string, Part][] = [
    ['sites', 'demo'],
    ['sites', 'other'],
    ['folder', 'Transport'],
    ['ifExists', 'replace'],
    ['source', roads],
    ['source', parcels],
  ];

  const job = await run(gateway, 'publish-plan', request);
  const plan = job.results as PublishPlanResult;

  expect(job).toMatchObject({ status: 'successful', queue: 'here' });
  expect(plan.planned).toEqual({ create: 3, replace: 1, skip: 0, unchanged: 0, refuse: 0 });
  expect(actions(plan.services)).toEqual([
    ['parcels.sd on demo', 'create'],
    ['parcels.sd on other', 'create'],
    ['roads.sd on demo', 'create'],
    ['roads.sd on other', 'replace'],
  ]);
  const [, replaced] = plan.services?.filter(bySite('other')) ?? [];
  expect(replaced).toMatchObject({
    service: 'Transport/Roads.MapServer',
    restorable: 'settings-only',
    changes: expect.any(Number),
    warnings: 1,
  });
  expect(await readDetails(gateway, plan)).toMatchObject([
    { key: 'parcels.sd on demo', action: 'create', makesFolder: true },
    { action: 'create', makesFolder: false },
    { difference: null },
    { key: 'roads.sd on other', difference: { layers: { renamed: [{ from: 'Old' }] } } },
  ]);
  expect([...changesOn(site), ...changesOn(other)]).toEqual([]);
  const again = await run(gateway, 'publish-plan', request);
  expect(again.results).toMatchObject({ digest: plan.digest });

  other.control.changeService(
    { folder: 'Transport', name: 'Roads', type: 'MapServer' },
    { maxUsageTime: 1234 },
  );
  const late = await run(gateway, 'publish-folder', [...request, ['ifPlanIs', plan.digest]]);
  expect(late).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: {
      code: 'plan_changed',
      detail: expect.stringMatching(/^1 of 4 services are not as they were planned: roads.sd on o/),
      changed: [
        {
          key: 'roads.sd on other',
          site: 'other',
          service: 'Transport/Roads.MapServer',
          differences: expect.arrayContaining([
            expect.objectContaining({ what: 'the live service, in maxUsageTime' }),
          ]),
        },
      ],
    },
  });
  expect(late.children).toBeUndefined();
  const less = await run(gateway, 'publish-folder', [
    ...request.slice(0, -1),
    ['ifPlanIs', plan.digest],
  ]);
  expect(less.exception).toMatchObject({
    code: 'plan_changed',
    gone: ['parcels.sd on demo', 'parcels.sd on other'],
  });
  expect([...changesOn(site), ...changesOn(other)]).toEqual([]);

  const { digest } = again.results as PublishPlanResult;
  const now = (await run(gateway, 'publish-plan', request)).results as PublishPlanResult;
  expect(now.digest).not.toBe(digest);
  const done = await run(gateway, 'publish-folder', [...request, ['ifPlanIs', now.digest]]);
  expect(done).toMatchObject({ status: 'successful', results: { childCount: 4 } });
});

test('a retry is bound to the plan for what is left of it', async ({ quick }) => {
  const { site, gateway } = await quick();
  const request: [string, Part][] = [
    ['site', 'demo'],
    ['source', { path: await gateway.build({ serviceName: 'Roads' }), name: 'roads.sd' }],
    ['source', { path: await gateway.build({ serviceName: 'Parcels' }), name: 'parcels.sd' }],
  ];
  const { digest } = (await run(gateway, 'publish-plan', request)).results as PublishPlanResult;
  site.control.fault({ kind: 'fail-publish', times: 1 });
  const failed = await run(gateway, 'publish-folder', [...request, ['ifPlanIs', digest]]);
  expect(failed).toMatchObject({ exception: { children: { successful: 1, failed: 1 } } });

  const url = `${gateway.url}/v1/jobs/${failed.jobId}/retry`;
  const { jobID } = (await (await fetch(url, { method: 'POST' })).json()) as { jobID: string };

  expect(await gateway.ended(jobID)).toMatchObject({
    status: 'successful',
    results: { childCount: 2, keptCount: 1 },
  });
  expect(submits(site)).toBe(3);
});

test('one definition on several sites has one plan', async ({ openSite, quick }) => {
  const other = await openSite({ publishMs: 40, startMs: 10, politePollMs: 30 });
  const { site, gateway } = await quick({}, two(other));
  other.control.addService({ name: 'Roads', layers: ['Old'] });
  const request: [string, Part][] = [
    ['sites', 'demo'],
    ['sites', 'other'],
    ['ifExists', 'replace'],
    ['serviceDefinition', { path: await gateway.build(), name: 'roads.sd' }],
  ];
  const job = await run(gateway, 'publish-plan', request);
  const plan = job.results as PublishPlanResult;
  expect(actions(plan.services)).toEqual([
    ['demo', 'create'],
    ['other', 'replace'],
  ]);
  other.control.changeService(
    { folder: '', name: 'Roads', type: 'MapServer' },
    { maxUsageTime: 1234 },
  );
  const publish = (digest: string) =>
    run(gateway, 'publish-service-definition', [...request, ['ifPlanIs', digest]]);

  const late = await publish(plan.digest);
  expect(late).toMatchObject({
    status: 'failed',
    exception: { code: 'plan_changed', changed: [{ site: 'other' }] },
  });
  expect([...changesOn(site), ...changesOn(other)]).toEqual([]);
  const unknown = await publish('0'.repeat(64));
  expect(unknown.exception).toMatchObject({ code: 'plan_changed', detail: /is not known/ });

  const now = (await run(gateway, 'publish-plan', request)).results as PublishPlanResult;
  expect(await publish(now.digest)).toMatchObject({ status: 'successful' });
});

test('hundreds of services are a few requests, and what cannot be published is told', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  for (let at = 0; at < 5; at += 1) site.control.addService({ name: `S${at}`, layers: ['L'] });
  const list = Array.from({ length: 200 }, (_, at) => `roads.sd||S${at}`).join('\n');
  site.control.clearRequests();
  const job = await run(gateway, 'publish-plan', [
    ['site', 'demo'],
    ['source', { path: await gateway.build(), name: 'roads.sd' }],
    ['list', `${list}\nroads.sd||Not a name`],
  ]);
  const plan = job.results as PublishPlanResult;

  expect(plan.planned).toEqual({ create: 195, replace: 0, skip: 0, unchanged: 0, refuse: 6 });
  expect(plan.services?.at(-1)).toMatchObject({
    service: 'Not a name.MapServer',
    action: 'refuse',
    refusals: ['validation_error'],
  });
  expect(plan.services?.[0]).toMatchObject({ action: 'refuse', refusals: ['service_exists'] });
  expect(await readDetails(gateway, plan)).toHaveLength(201);
  const requests = site.control.requests().filter(({ operation }) => operation !== 'mode');
  expect(requests.length).toBeLessThan(60);
});

test('a site that cannot be asked ends the plan, with its name', async ({ openSite, quick }) => {
  const other = await openSite();
  const { gateway } = await quick({}, two(other));
  other.control.fault({ kind: 'connection-cut', times: -1 });
  const job = await run(gateway, 'publish-plan', [
    ['sites', 'demo'],
    ['sites', 'other'],
    ['serviceDefinition', { path: await gateway.build(), name: 'roads.sd' }],
  ]);
  expect(job).toMatchObject({
    status: 'failed',
    exception: { site: 'other', detail: expect.stringContaining('other could not be asked') },
  });
});

test.for([
  ['#/inputs/serviceDefinition', {}],
  ['#/inputs/source', { source: { folder: '/x' }, serviceDefinition: { href: '/v1/uploads/x' } }],
  ['#/inputs/serviceName', { source: { folder: '/x' }, serviceName: 'A' }],
  ['#/inputs/list', { serviceDefinition: { href: '/v1/uploads/x' }, list: 'a.sd' }],
] as const)(
  'what does not belong together is refused at %s',
  async ([pointer, inputs], { quick }) => {
    const { gateway } = await quick({}, { hasWorker: false });
    const response = await fetch(`${gateway.url}/v1/processes/publish-plan/execution`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: { site: 'demo', ...inputs } }),
    });
    expect(await response.json()).toMatchObject({
      code: 'validation_error',
      errors: [expect.objectContaining({ pointer })],
    });
  },
);
