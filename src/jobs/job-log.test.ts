import { expect } from 'vitest';
import { newJob, submitted, test } from '../../test/support/job-core.ts';
import { JobLog } from './job-log.ts';

test('messages come back in order, with who said them, and can be read on from any', async ({
  core,
}) => {
  const jobId = await submitted(core);
  const log = new JobLog(core.records, jobId, { attempt: 2, step: 'upload' });
  await log.info('one');
  await log.warning('two', 'site');
  await log.error('three', 'server-log');
  await log.add({ level: 'info', source: 'gateway', message: 'earlier', timeMs: 0 });

  const rows = await core.events.readLog(jobId, '', 10);
  expect(rows.map(({ entry }) => entry)).toMatchObject([
    { level: 'info', source: 'gateway', step: 'upload', attempt: 2, message: 'one' },
    { level: 'warning', source: 'site', message: 'two' },
    { level: 'error', source: 'server-log', message: 'three' },
    { time: '1970-01-01T00:00:00.000Z', message: 'earlier' },
  ]);
  expect(await core.events.readLog(jobId, rows[1]?.id ?? '', 10)).toEqual(rows.slice(2));
  expect(await core.events.readLog(jobId, '', 2)).toEqual(rows.slice(0, 2));
  expect(await core.events.readLog(jobId, rows[3]?.id ?? '', 10)).toEqual([]);
});

test('a message outside of any step names none', async ({ core }) => {
  const jobId = await submitted(core);
  await new JobLog(core.records, jobId, { attempt: 1, step: undefined }).info('one');
  const [row] = await core.events.readLog(jobId, '', 1);
  expect(Object.keys(row?.entry as object)).not.toContain('step');
});

test('secrets are masked before a message is kept, and long ones are cut', async ({ core }) => {
  const jobId = await submitted(core);
  const log = new JobLog(core.records, jobId, { attempt: 1 });
  await log.error('GET /admin?token=abc123&f=json; PASSWORD=hunter2;SERVER=db');
  await log.info('x'.repeat(20_000));
  await log.info(`${'x'.repeat(7_999)}\u{1f600}`);
  const raw = JSON.stringify(await core.redis.xrange(core.records.keys.log(jobId), '-', '+'));
  expect(raw).not.toMatch(/abc123|hunter2/);
  const rows = await core.events.readLog(jobId, '', 10);
  expect(rows.map(({ entry }) => (entry as { message: string }).message.length)).toEqual([
    expect.any(Number),
    8_000,
    8_000,
  ]);
});

test('a job that is gone gets no messages', async ({ core }) => {
  const { jobId } = newJob();
  await new JobLog(core.records, jobId, { attempt: 1 }).info('too late');
  expect(await core.redis.keys(`${core.prefix}:*`)).toEqual([]);
});
