import { expect, vi } from 'vitest';
import { test } from '../support/publishing-test.ts';

test('a held site lets no job begin, says why, and goes on when it is released', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const gateway = await open(site);
  const call = (path: string, body?: object) =>
    fetch(`${gateway.url}/v1/sites/demo/${path}`, {
      method: 'POST',
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  expect((await call('hold', { reason: 'Frozen', until: '2001-01-01T00:00:00Z' })).status).toBe(
    400,
  );
  const held = await call('hold', { reason: 'Election week' });
  expect(await held.json()).toMatchObject({ hold: { reason: 'Election week', by: 'anonymous' } });
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  const waiting = await gateway.until(body.jobID, (record) => record.parked !== undefined);
  expect(waiting).toMatchObject({ status: 'accepted', attempt: 0 });
  const shown = await fetch(`${gateway.url}/v1/jobs/${body.jobID}`);
  expect(await shown.json()).toMatchObject({
    waitingFor: { reason: 'site', detail: expect.stringContaining('Election week') },
  });
  expect(site.control.requests().map(({ operation }) => operation)).not.toContain('upload');
  const parent = await gateway.publish(await gateway.build(), {
    sites: 'demo',
    serviceName: 'Next',
  });
  await vi.waitFor(async () => {
    const job = await fetch(`${gateway.url}/v1/jobs/${parent.body.jobID}`);
    expect(await job.json()).toMatchObject({
      waitingFor: { reason: 'parent', detail: expect.stringContaining('Election week') },
    });
  }, 10_000);
  const released = await call('release');

  expect(await released.json()).not.toHaveProperty('hold');
  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'successful' });
  expect(await gateway.ended(parent.body.jobID)).toMatchObject({ status: 'successful' });
});

test('a hold ends by itself', async ({ openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site);
  await gateway.core.siteRecords.hold('demo', {
    reason: 'A moment',
    by: 'ops',
    sinceMs: Date.now(),
    untilMs: Date.now() + 700,
  });
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'successful' });
});
