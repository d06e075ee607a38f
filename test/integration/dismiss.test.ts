import { expect } from 'vitest';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import type { Gateway } from '../support/gateway.ts';
import { test as publishing } from '../support/publishing-test.ts';

// Each test has a site and a gateway of its own, and mostly waits.
const test = publishing.concurrent;

const dismiss = async (gateway: Gateway, jobId: string) => {
  const response = await fetch(`${gateway.url}/v1/jobs/${jobId}`, { method: 'DELETE' });
  return {
    status: response.status,
    body: (await response.json()) as { status: string; undo?: string },
  };
};

/** Dismisses a job in the moment of its first request of a kind. */
async function dismissAt(
  site: SimulatedSite,
  gateway: Gateway,
  moment: { operation: string; phase: 'before' | 'after' },
  inputs: Record<string, string> = {},
) {
  let tellJobId = (_jobId: string) => {};
  const jobIsKnown = new Promise<string>((resolve) => {
    tellJobId = resolve;
  });
  let isDone = false;
  const answered = new Promise<Awaited<ReturnType<typeof dismiss>>>((resolve) => {
    site.control.onRequest(async ({ operation, phase }) => {
      if (isDone || operation !== moment.operation || phase !== moment.phase) return;
      isDone = true;
      resolve(await dismiss(gateway, await jobIsKnown));
    });
  });
  const { body } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    folder: 'Transport',
    ...inputs,
  });
  tellJobId(body.jobID);
  return { answer: await answered, job: await gateway.ended(body.jobID) };
}

test.for([
  { operation: 'upload', phase: 'after' },
  { operation: 'upload-member', phase: 'after' },
  { operation: 'create-folder', phase: 'after' },
  { operation: 'submit', phase: 'after' },
  { operation: 'poll', phase: 'after' },
  { operation: 'query', phase: 'before' },
  { operation: 'delete-upload', phase: 'before' },
] as const)(
  'dismissed $phase $operation: nothing stays on the site',
  async (moment, { openSite, open }) => {
    const site = await openSite({ publishMs: 900 });
    const gateway = await open(site);

    const { answer, job } = await dismissAt(site, gateway, moment);

    expect(answer).toMatchObject({ status: 200, body: { status: 'dismissed', undo: 'pending' } });
    expect(job).toMatchObject({ status: 'dismissed', undo: 'done' });
    expect(job.results).toBeUndefined();
    expect(site.control.state()).toMatchObject({ services: [], folders: [], uploads: [] });
  },
);

test('dismissed before it began: nothing was to be put back', async ({ openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site, { hasWorker: false });
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  expect(await dismiss(gateway, body.jobID)).toMatchObject({
    status: 200,
    body: { status: 'dismissed', undo: 'nothing-to-do' },
  });
  const worker = await gateway.openWorker();
  await worker.close();

  expect(site.control.requests().map(({ operation }) => operation)).not.toContain('upload');
});

test('dismissed in the line of a service: the line closes up', async ({ openSite, open }) => {
  const site = await openSite({ publishMs: 1_500 });
  const gateway = await open(site, { site: { slots: 3 } });
  const definition = await gateway.build();
  const inputs = { site: 'demo', ifExists: 'replace', force: 'true' };
  const [first, second, third] = [
    await gateway.publish(definition, inputs),
    await gateway.publish(definition, inputs),
    await gateway.publish(definition, inputs),
  ];
  await gateway.until(third.body.jobID, (record) => record.parked?.reason === 'service');

  const answer = await dismiss(gateway, second.body.jobID);

  expect(answer.body.status).toBe('dismissed');
  const ended = await Promise.all(
    [first, second, third].map(({ body }) => gateway.ended(body.jobID)),
  );
  expect(ended.map(({ status }) => status)).toEqual(['successful', 'dismissed', 'successful']);
  expect(site.control.requests().filter(({ operation }) => operation === 'submit')).toHaveLength(2);
});

test('dismissed while its site rests', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.setMode('READ_ONLY');
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  await gateway.until(body.jobID, (record) => record.parked?.reason === 'site');

  await dismiss(gateway, body.jobID);

  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'dismissed' });
  expect(site.control.requests().map(({ operation }) => operation)).not.toContain('upload');
});

test('a site that does not honour the cancellation: the service is removed once it is there', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ publishMs: 1_200 });
  site.control.fault({ kind: 'refuse-cancel' });
  const gateway = await open(site);

  const { job } = await dismissAt(site, gateway, { operation: 'poll', phase: 'after' });

  expect(job).toMatchObject({ status: 'dismissed', undo: 'done' });
  expect(site.control.state()).toMatchObject({ services: [], folders: [], uploads: [] });
});

test('dismissing a replacement puts the old service back', async ({ openSite, open }) => {
  const site = await openSite({ publishMs: 600 });
  const gateway = await open(site);
  const first = await gateway.publish(await gateway.build({ layers: ['One', 'Two', 'Three'] }), {
    site: 'demo',
    folder: 'Transport',
  });
  await gateway.ended(first.body.jobID);

  const { job } = await dismissAt(
    site,
    gateway,
    { operation: 'query', phase: 'before' },
    { ifExists: 'replace' },
  );

  expect(job).toMatchObject({ status: 'dismissed', undo: 'done' });
  expect(site.control.state().services).toMatchObject([
    { name: 'Roads', realTimeState: 'STARTED' },
  ]);
  expect(site.control.state().services[0]?.layers).toHaveLength(3);
  expect(site.control.state().uploads).toEqual([]);
});

test('dismissing twice changes nothing; an ended job is removed, and then gone', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  await gateway.ended(body.jobID);

  const removed = await dismiss(gateway, body.jobID);
  const again = await dismiss(gateway, body.jobID);
  const read = await fetch(`${gateway.url}/v1/jobs/${body.jobID}`);

  expect([removed.status, again.status, read.status]).toEqual([200, 410, 404]);
});
