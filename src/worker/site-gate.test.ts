import { expect, vi } from 'vitest';
import {
  begun,
  found,
  type JobCore,
  newJob,
  silent,
  submitted,
  test,
  toRecord,
} from '../../test/support/job-core.ts';
import { type ErrorCode, GatewayError } from '../lib/errors.ts';
import { Timing } from '../lib/timing.ts';
import { SiteGate } from './site-gate.ts';

class Closed extends GatewayError {
  readonly code: ErrorCode;

  constructor(code: ErrorCode) {
    super(`closed: ${code}`);
    this.code = code;
  }
}

const gateOf = (core: JobCore, siteClosedMs: number) =>
  new SiteGate(core.siteRecords, Timing.parse({ siteClosedMs }), silent);
const jobOf = (site?: string) => toRecord(newJob(site ? { site } : {}));
const hourMs = 3_600_000;

test('jobs pass to sites that are open, and where no site is touched', async ({ core }) => {
  const gate = gateOf(core, hourMs);
  await gate.close('other', new Closed('site_read_only'));
  expect(await gate.findRest(jobOf('demo'))).toBeUndefined();
  expect(await gate.findRest(jobOf())).toBeUndefined();
});

test('a closed site rests until its time; other sites go on', async ({ core }) => {
  const gate = gateOf(core, hourMs);
  const before = Date.now();
  const parked = await gate.close('demo', new Closed('site_read_only'));
  expect(parked).toMatchObject({ reason: 'site', detail: 'closed: site_read_only' });
  expect(parked.untilMs).toBeGreaterThanOrEqual(before + hourMs);
  expect(await gate.findRest(jobOf('demo'))).toMatchObject({
    reason: 'site',
    detail: parked.detail,
  });
  expect((await gate.findRest(jobOf('demo')))?.untilMs).toBeGreaterThanOrEqual(parked.untilMs ?? 0);
  await gate.passed('demo');
  expect(await gate.findRest(jobOf('demo'))).toBeDefined();
});

test('what was dismissed goes in: it may have something to put back', async ({ core }) => {
  const gate = gateOf(core, hourMs);
  await gate.close('demo', new Closed('site_read_only'));
  const { jobId } = await begun(core, { site: 'demo' });
  await core.records.dismiss(jobId);
  expect(await gate.findRest(await found(core, jobId))).toBeUndefined();
});

test('after its time one job tries, the others wait for what becomes of it', async ({ core }) => {
  const gate = gateOf(core, 60);
  await gate.close('demo', new Closed('site_unreachable'));
  const probe = await found(core, await submitted(core, { site: 'demo' }));
  await vi.waitFor(async () => expect(await gate.findRest(probe)).toBeUndefined());
  await core.siteRecords.takeProbe('demo', probe.jobId, hourMs);
  await core.redis.pexpire(core.records.keys.siteProbe('demo'), hourMs); // a probe that takes long
  expect(await gate.findRest(jobOf('demo'))).toMatchObject({ reason: 'site' });
  expect(await gate.findRest(probe)).toBeUndefined();

  await gate.passed('demo');
  expect(await gate.findRest(jobOf('demo'))).toBeUndefined();
});

test('a probe that finds the site closed closes it anew, from the same beginning', async ({
  core,
}) => {
  await gateOf(core, 1).close('demo', new Closed('site_unreachable'));
  const first = await core.siteRecords.findClosed('demo');
  const gate = gateOf(core, hourMs);
  await gate.close('demo', new Closed('site_upgrading'));
  expect(await core.siteRecords.findClosed('demo')).toMatchObject({
    sinceMs: first?.sinceMs,
    reason: 'site_upgrading',
  });
  expect(await gate.findRest(jobOf('demo'))).toBeDefined();
});

test('a refused login is tried again only with a new configuration: repeats lock accounts', async ({
  core,
}) => {
  const gate = gateOf(core, 1);
  await gate.close('demo', new Closed('site_login_refused'));
  await vi.waitFor(async () => {
    const closed = await core.siteRecords.findClosed('demo');
    expect(Date.now()).toBeGreaterThan(closed?.untilMs ?? Number.POSITIVE_INFINITY);
  });
  expect(await gate.findRest(jobOf('demo'))).toMatchObject({ reason: 'site' });
  await gate.passed('demo');
  expect(await gate.findRest(jobOf('demo'))).toMatchObject({ reason: 'site' });
  await gate.releaseLogin('demo');
  expect(await gate.findRest(jobOf('demo'))).toBeUndefined();
});

test('a new configuration does not open a site that is closed for another reason', async ({
  core,
}) => {
  const gate = gateOf(core, hourMs);
  await gate.close('demo', new Closed('site_read_only'));
  await gate.releaseLogin('demo');
  expect(await gate.findRest(jobOf('demo'))).toBeDefined();
  await gate.reopen('demo');
  expect(await gate.findRest(jobOf('demo'))).toBeUndefined();
});
