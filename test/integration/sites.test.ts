import { openAsBlob } from 'node:fs';
import { expect } from 'vitest';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import type { Gateway } from '../support/gateway.ts';
import { test } from '../support/publishing-test.ts';

type Answer = Record<string, unknown> & { jobID: string };

const settingsOf = ({ url, username, password }: SimulatedSite) => ({ url, username, password });
const execution = '/v1/processes/publish-service-definition/execution';

async function readJson(gateway: Gateway, path: string, init: RequestInit = {}): Promise<Answer> {
  return (await fetch(gateway.url + path, init)).json() as Promise<Answer>;
}

/** One form with several sites and the file once. */
async function publishOn(
  gateway: Gateway,
  sites: string[],
  inputs: Record<string, string> = {},
): Promise<{ status: number; body: Answer }> {
  const form = new FormData();
  for (const site of sites) form.append('sites', site);
  for (const [name, value] of Object.entries(inputs)) form.set(name, value);
  form.set('serviceDefinition', await openAsBlob(await gateway.build()), 'roads.sd');
  const response = await fetch(gateway.url + execution, { method: 'POST', body: form });
  return { status: response.status, body: (await response.json()) as Answer };
}

test('one request publishes on several sites, and the file came in once', async ({
  openSite,
  open,
}) => {
  const [one, two] = [await openSite(), await openSite()];
  const gateway = await open(one, { sites: { one: settingsOf(one), two: settingsOf(two) } });

  const { status, body } = await publishOn(gateway, ['one', 'two'], { folder: 'Transport' });
  expect(status).toBe(201);
  const ended = await gateway.ended(body.jobID);
  expect(ended).toMatchObject({ status: 'successful', queue: 'here' });
  expect(await gateway.redis.keys(`${gateway.config.redis.prefix}:upload:*`)).toHaveLength(1);

  const job = await readJson(gateway, `/v1/jobs/${body.jobID}`);
  expect(job).toMatchObject({
    processID: 'publish-service-definition',
    progress: 100,
    children: { expected: 2, total: 2, successful: 2, failed: 0, running: 0, accepted: 0 },
  });
  const results = await readJson(gateway, `/v1/jobs/${body.jobID}/results`);
  expect(results).toMatchObject({
    childCount: 2,
    keptCount: 0,
    children: ['one', 'two'].map((site) => ({
      site,
      key: site,
      status: 'successful',
      outcome: 'created',
      service: 'Transport/Roads.MapServer',
      href: expect.stringContaining('/v1/jobs/'),
    })),
  });
  const { jobs } = (await readJson(gateway, `/v1/jobs?parent=${body.jobID}`)) as unknown as {
    jobs: Answer[];
  };
  expect(jobs.map(({ site, parentID }) => [site, parentID])).toEqual([
    ['two', body.jobID],
    ['one', body.jobID],
  ]);
  for (const site of [one, two])
    expect(site.control.state().services.map(({ name }) => name)).toContain('Roads');
});

test('where one site fails the job says so, and a retry does only that one again', async ({
  openSite,
  open,
}) => {
  const [one, two] = [await openSite(), await openSite()];
  const gateway = await open(one, { sites: { one: settingsOf(one), two: settingsOf(two) } });
  two.control.fault({
    kind: 'fail-publish',
    messages: ['ERROR 001369: Failed to create the service.'],
    leaves: 'half-made',
  });

  const { body } = await publishOn(gateway, ['one', 'two']);
  const failed = await gateway.ended(body.jobID);
  expect(failed).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: {
      code: 'children_failed',
      detail: expect.stringMatching(/^1 of 2 children failed: two \(publishing_failed\)\./),
      failedChildren: [{ key: 'two', site: 'two', code: 'publishing_failed' }],
    },
  });
  const submitted = () =>
    one.control.requests().filter(({ operation }) => operation === 'submit').length;
  expect(submitted()).toBe(1);

  const again = await readJson(gateway, `/v1/jobs/${body.jobID}/retry`, { method: 'POST' });
  expect(await gateway.ended(again.jobID)).toMatchObject({ status: 'successful' });
  expect(submitted()).toBe(1);
  const table = await readJson(gateway, `/v1/jobs/${again.jobID}/children`);
  expect(table).toMatchObject({
    total: 2,
    children: [
      { key: 'one', status: 'successful', isKept: true },
      { key: 'two', status: 'successful' },
    ],
  });
});

test('exactly one of site and sites is taken, and every site is checked', async ({
  openSite,
  open,
}) => {
  const one = await openSite();
  const gateway = await open(one, { sites: { one: settingsOf(one) }, hasWorker: false });
  const upload = { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' };
  const send = async (inputs: Record<string, unknown>) =>
    readJson(gateway, execution, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: { serviceDefinition: upload, ...inputs } }),
    });
  const fault = (pointer: string) => ({
    code: 'validation_error',
    errors: [expect.objectContaining({ pointer })],
  });
  expect(await send({})).toMatchObject(fault('#/inputs/site'));
  expect(await send({ site: 'one', sites: ['one'] })).toMatchObject(fault('#/inputs/sites'));
  expect(await send({ sites: ['one', 'one'] })).toMatchObject(fault('#/inputs/sites/1'));
  expect(await send({ sites: ['nowhere', 'one', 'else'] })).toMatchObject({
    code: 'unknown_site',
    detail: 'There is no site "nowhere", "else"; configured: one.',
    errors: [{ pointer: '#/inputs/sites/0' }, { pointer: '#/inputs/sites/2' }],
  });

  const described = await readJson(gateway, '/v1/processes/publish-service-definition');
  expect(described).toMatchObject({
    inputs: { site: { minOccurs: 0 }, sites: { minOccurs: 0, schema: { type: 'array' } } },
    outputs: { children: {} },
  });
});
