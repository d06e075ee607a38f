import { expect, vi } from 'vitest';
import { attemptOf } from '../../test/support/attempts.ts';
import {
  test as base,
  beginAgain,
  found,
  type JobCore,
  readMessages,
  submitted,
} from '../../test/support/job-core.ts';
import type { StepRecord } from '../jobs/job-record.ts';
import { AttemptJournal } from './attempt-journal.ts';

const test = base.extend<{ bench: { jobId: string; journal: AttemptJournal } }>({
  bench: async ({ core }, use) => {
    const jobId = await submitted(core, { processID: 'three' });
    const journal = await openJournal(core, jobId);
    await use({ jobId, journal });
    journal.close();
  },
});

async function openJournal(core: JobCore, jobId: string): Promise<AttemptJournal> {
  const number = await beginAgain(core, jobId);
  return new AttemptJournal(await found(core, jobId), attemptOf(core, jobId, number));
}

const looked: StepRecord = { name: 'verify', state: 'done', attempt: 1, startedMs: 1, result: {} };

test('what can wait is written with what cannot, in one change', async ({ core, bench }) => {
  const { rev } = await found(core, bench.jobId);
  await bench.journal.write('step', { stepRecords: [looked] }, { canWait: true });
  await bench.journal.jobLog('verify').info('looked');
  await bench.journal.write('step', { stepRecords: [{ ...looked, name: 'clean-up' }] });
  const record = await found(core, bench.jobId);
  expect(record.rev).toBe(rev + 1);
  expect(record.steps.map(({ name }) => name).sort()).toEqual(['clean-up', 'verify']);
  expect(await readMessages(core, bench.jobId)).toEqual(['looked']);
  const kinds = (await core.events.readAfter(bench.jobId, 0)).map(({ kind }) => kind);
  expect(kinds.slice(-2)).toEqual(['log', 'status']);
});

test('what waits is written by itself after a moment', async ({ core, bench }) => {
  await bench.journal.jobLog().info('only a message');
  await bench.journal.write('step', { stepRecords: [looked] }, { canWait: true });
  await vi.waitFor(async () => {
    expect((await found(core, bench.jobId)).steps).toHaveLength(1);
    expect(await readMessages(core, bench.jobId)).toEqual(['only a message']);
  });
});

test('a pause begins with what waits being written', async ({ core, bench }) => {
  await bench.journal.jobLog().info('before the pause');
  await bench.journal.pause(0);
  expect(await readMessages(core, bench.jobId)).toEqual(['before the pause']);
});

test('messages are kept though the change they come with is refused', async ({ core, bench }) => {
  await bench.journal.jobLog().info('the site job is j1');
  await core.records.dismiss(bench.jobId);
  await expect(bench.journal.write('ended', { status: 'successful' })).rejects.toThrow('has ended');
  expect(await readMessages(core, bench.jobId)).toContain('the site job is j1');
});

test('a failure of what was written by itself is told by the next write', async ({
  core,
  bench,
}) => {
  const later = await beginAgain(core, bench.jobId);
  await bench.journal.write('step', { stepRecords: [looked] }, { canWait: true });
  await bench.journal.jobLog().info('of a lost attempt');
  await expect(bench.journal.pause(0)).rejects.toThrow('lost');
  await expect(bench.journal.write('step', {})).rejects.toThrow('lost');
  const record = await found(core, bench.jobId);
  expect(record.attempt).toBe(later);
  expect(record.steps).toEqual([]);
  expect(await readMessages(core, bench.jobId)).not.toContain('of a lost attempt');
});

test('once it is closed nothing is written', async ({ core, bench }) => {
  await bench.journal.jobLog().info('waits');
  bench.journal.close();
  await bench.journal.flush();
  await bench.journal.jobLog().info('too late');
  await bench.journal.flush();
  expect(await readMessages(core, bench.jobId)).toEqual([]);
});
