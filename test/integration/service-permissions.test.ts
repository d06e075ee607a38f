import { expect } from 'vitest';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { ended, run } from '../support/data-stores.ts';
import { changesOn, test } from '../support/quick-publishing.ts';

const permissions = (site: SimulatedSite) =>
  Object.fromEntries(
    site.control
      .state()
      .services.map((each) => [
        each.name,
        Object.fromEntries(each.permissions.map((one) => [one.principal, one.isAllowed])),
      ]),
  );
const isPublic = async (site: SimulatedSite, name: string) => {
  const answer = await fetch(`${site.url}/rest/services/${name}/MapServer?f=json`);
  return !('error' in ((await answer.json()) as object));
};

test('says who may use services, and puts it back when one cannot be set', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ roles: ['Planners', 'Interns'] });
  for (const name of ['A', 'B']) site.control.addService({ name, layers: ['L'] });
  const gateway = await open(site);
  const services = { pattern: '*.MapServer' };
  const permit = (inputs: object) =>
    ended(gateway, 'set-service-permissions', { site: 'demo', services, ...inputs });

  const dry = await permit({ public: false, allow: ['Planners'], dryRun: true });
  expect(permissions(site)).toEqual({ A: {}, B: {} });
  site.control.fault({ kind: 'answer-lost', operation: 'add-permission' });
  const closed = await permit({ public: false, allow: ['Planners'] });
  const again = await permit({ public: false });

  const changes = [
    { principal: 'Planners', from: null, to: true, inherited: false },
    { principal: 'esriEveryone', from: null, to: false, inherited: true },
  ];
  expect(dry.results).toMatchObject({ services: [{ outcome: 'planned', changes }, { changes }] });
  expect(closed).toMatchObject({ status: 'successful', results: { done: 2 } });
  expect(again.results).toMatchObject({ already: 2 });
  const both = { Planners: true, esriEveryone: false };
  expect(permissions(site)).toEqual({ A: both, B: both });
  expect([await isPublic(site, 'A'), await isPublic(site, 'B')]).toEqual([false, false]);

  site.control.fault({ kind: 'change-refused', operation: 'add-permission', service: 'B' });
  const failed = await permit({ public: true, refuse: ['Interns'] });

  expect(failed).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: {
      failed: ['B.MapServer'],
      putBack: [
        expect.stringMatching(
          /A.MapServer on demo can be used .* \(Interns had no entry and has one now/,
        ),
      ],
    },
  });
  expect(permissions(site)).toEqual({ A: { ...both, Interns: false }, B: both });
});

test('a federated site is refused, and so is what says nothing', async ({ openSite, open }) => {
  const site = await openSite({ federated: true });
  site.control.addService({ name: 'A' });
  const gateway = await open(site);
  const inputs = { site: 'demo', services: { pattern: '*' } };

  const refused = await ended(gateway, 'set-service-permissions', { ...inputs, public: true });

  expect(refused.exception).toMatchObject({ code: 'conflict', detail: /federated/ });
  for (const wrong of [{}, { allow: ['A'], refuse: ['A'] }, { allow: ['esriEveryone'] }]) {
    const answer = await run(gateway, 'set-service-permissions', { ...inputs, ...wrong });
    expect(answer).toMatchObject({ status: 400 });
  }
});

test('a definition is published with permissions, and they are put back with it', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const gateway = await open(site);
  const definition = await gateway.build();
  const publish = async (inputs: Record<string, string>) => {
    const { body } = await gateway.publish(definition, { site: 'demo', ...inputs });
    return gateway.ended(body.jobID);
  };

  const created = await publish({ permissions: '{"public": false, "allow": ["Planners"]}' });
  const unchanged = await publish({
    ifExists: 'replace',
    permissions: '{"public": false, "allow": ["Planners"]}',
  });

  expect(created).toMatchObject({
    status: 'successful',
    results: { outcome: 'created', permissions: [{ principal: 'Planners' }, { to: false }] },
  });
  expect(unchanged.results).toMatchObject({ outcome: 'unchanged' });
  expect(permissions(site)).toEqual({ Roads: { Planners: true, esriEveryone: false } });

  site.control.fault({ kind: 'change-refused', operation: 'add-permission' });
  const failed = await publish({
    serviceName: 'Rivers',
    permissions: '{"public": false}',
  });
  expect(failed).toMatchObject({ status: 'failed' });
  expect(Object.keys(permissions(site))).toEqual(['Roads']);
});

test('a role that the site does not have is refused before anything is changed', async ({
  quick,
}) => {
  const roles = Array.from({ length: 1_500 }, (_, at) => `Role${at}`);
  const { site, gateway } = await quick({ roles: [...roles, 'GIS\\Planners'] });
  site.control.addService({ name: 'A' });
  site.control.clearRequests();
  const permit = (inputs: object) =>
    ended(gateway, 'set-service-permissions', {
      site: 'demo',
      services: { pattern: '*' },
      ...inputs,
    });
  const publish = async (permissions: string, process?: string) => {
    const inputs = { site: 'demo', permissions };
    const definition = await gateway.build();
    const { body } = await gateway.publish(definition, inputs, {}, null, gateway.url, process);
    return gateway.ended(body.jobID);
  };

  const refused = await permit({ allow: ['Planers', 'Role7'], dryRun: true });
  expect(refused).toMatchObject({
    status: 'failed',
    exception: { code: 'unknown_role', roles: ['Planers'], detail: /Nearest: GIS.Planners/ },
  });
  const failed = await publish('{"refuse": ["Nobody"]}');
  expect(failed).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: { code: 'unknown_role', roles: ['Nobody'] },
  });
  const planned = await publish('{"refuse": ["Nobody"]}', 'publish-plan');
  expect(planned.results).toMatchObject({ action: 'refuse', refusals: [{ code: 'unknown_role' }] });
  expect(changesOn(site)).toEqual([]);

  const other = await permit({ allow: ['Planners', 'esriAuthenticated', 'role1499'] });
  expect(other).toMatchObject({
    status: 'successful',
    warnings: [
      'demo writes the role Planners as GIS\\Planners.',
      'demo writes the role role1499 as Role1499.',
    ],
  });
  site.control.fault({ kind: 'refuse-roles' });
  expect(await permit({ allow: ['Nobody'], dryRun: true })).toMatchObject({
    status: 'successful',
    warnings: [expect.stringContaining('is not known')],
  });
});
