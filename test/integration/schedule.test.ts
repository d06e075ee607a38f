import { openAsBlob } from 'node:fs';
import { test as base, expect } from 'vitest';
import { createFamily } from '../support/family.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';

type Answer = Record<string, unknown> & { jobID: string };
type House = {
  gateway: Gateway;
  family: ReturnType<typeof createFamily>;
  send: (path: string, method: string, body?: unknown) => Promise<Answer>;
  submit: (at: string, word?: string) => Promise<Answer>;
};

const test = base.extend<{ open: (options?: { hasWorker?: boolean }) => Promise<House> }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  open: async ({}, use) => {
    const gateways: Gateway[] = [];
    await use(async (options = {}) => {
      const family = createFamily();
      const gateway = await openGateway({ sites: {}, jobTypes: family.jobTypes, ...options });
      gateways.push(gateway);
      const send = async (path: string, method: string, body?: unknown) => {
        const response = await fetch(gateway.url + path, {
          method,
          headers: { ...(body !== undefined && { 'content-type': 'application/json' }) },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        return (await response.json()) as Answer;
      };
      const submit = (at: string, word = 'later') =>
        send('/v1/processes/child/execution', 'POST', { inputs: { word }, at });
      return { gateway, family, send, submit };
    });
    for (const gateway of gateways) await gateway.close();
  },
});

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

test('a job is not begun before its time, and others go first', async ({ open }) => {
  const { gateway, send, submit } = await open();
  const at = inMs(1_500);
  const { jobID } = await submit(at);
  expect(await send(`/v1/jobs/${jobID}`, 'GET')).toMatchObject({
    status: 'accepted',
    at,
    waitingFor: { reason: 'schedule', until: at },
  });
  const soon = await send('/v1/processes/child/execution', 'POST', { inputs: { word: 'soon' } });
  expect((await gateway.ended(soon.jobID)).status).toBe('successful');
  expect((await gateway.core.records.find(jobID))?.status).toBe('accepted');

  const ended = await gateway.ended(jobID);
  expect(ended).toMatchObject({ status: 'successful', attempt: 1 });
  expect(ended.startedMs).toBeGreaterThanOrEqual(Date.parse(at));
});

test('a time outlasts the workers, and the queue', async ({ open }) => {
  const { gateway, family, submit } = await open({ hasWorker: false });
  const at = inMs(1_500);
  const { jobID } = await submit(at);
  const first = await gateway.openWorker();
  await first.close();
  await gateway.core.queues.remove('here', jobID); // as if BullMQ had lost it
  const second = await gateway.openWorker();
  await second.upkeep.reconcile();
  expect(family.begun).toEqual([]);
  const ended = await gateway.ended(jobID);
  await second.close();
  expect(ended.startedMs).toBeGreaterThanOrEqual(Date.parse(at));
  expect(family.begun).toEqual(['later']);
});

test('a scheduled job is dismissed like any other, and its retry begins at once', async ({
  open,
}) => {
  const { gateway, family, send, submit } = await open();
  const { jobID } = await submit(inMs(180 * 86_400_000).replace('Z', '+00:00'));
  expect(await send(`/v1/jobs/${jobID}`, 'DELETE')).toMatchObject({
    status: 'dismissed',
    undo: 'nothing-to-do',
  });
  const again = await send(`/v1/jobs/${jobID}/retry`, 'POST');
  expect(again.at).toBeUndefined();
  expect((await gateway.ended(again.jobID)).status).toBe('successful');
  expect(family.begun).toEqual(['later']);
  const later = await send(`/v1/jobs/${jobID}/retry`, 'POST', { at: inMs(60_000) });
  expect(later).toMatchObject({ status: 'accepted', at: expect.any(String) });
});

test('what is no time is refused; one that has passed is now', async ({ open }) => {
  const { gateway, submit } = await open();
  for (const at of ['tomorrow', '2030-01-17 22:00', '2030-01-17T22:00:00', inMs(400 * 86_400_000)])
    expect(await submit(at), at).toMatchObject({
      code: 'validation_error',
      errors: [expect.objectContaining({ pointer: '#/at' })],
    });
  const { jobID, at } = await submit(inMs(-1_000));
  expect(at).toBeUndefined();
  expect((await gateway.ended(jobID)).status).toBe('successful');
});

test('the files of a scheduled job stay until it has ended', async ({ open }) => {
  const { gateway, send } = await open();
  const form = new FormData();
  form.set('document', await openAsBlob(await gateway.build()), 'roads.sd');
  form.set('at', inMs(3_600_000));
  const response = await fetch(`${gateway.url}/v1/processes/inspect-document/execution`, {
    method: 'POST',
    body: form,
  });
  const { jobID } = (await response.json()) as Answer;
  const [uploadId = ''] = (await gateway.core.records.find(jobID))?.uploads ?? [];
  const upload = await gateway.core.uploads.find(uploadId);
  expect(upload).toBeDefined();
  if (upload) await gateway.core.uploads.save({ ...upload, createdMs: 1 }); // as old as can be
  const worker = await gateway.openWorker();
  await worker.upkeep.retention.sweep();
  await worker.close();
  expect(await gateway.core.uploads.find(uploadId)).toBeDefined();
  expect(await send(`/v1/uploads/${uploadId}`, 'GET')).toMatchObject({ id: uploadId });
});
