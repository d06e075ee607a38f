import { expect, vi } from 'vitest';
import { begun, submitted, test } from '../../test/support/job-core.ts';

const hourMs = 3_600_000;

test('a folder is removed only by the last that counts on it', async ({ core }) => {
  const uses = core.folderUses;
  const [ours, theirs] = [(await begun(core)).jobId, await submitted(core)];
  expect(await uses.join('demo', 'Transport', ours)).toBe(true);
  expect(await uses.join('demo', 'TRANSPORT', theirs)).toBe(true);
  expect(await uses.claimAlone('demo', 'Transport', ours, hourMs)).toBe(false);
  await uses.leave('demo', 'transport', theirs);
  expect(await uses.claimAlone('demo', 'Transport', ours, hourMs)).toBe(true);
});

test('nobody joins while the folder is being removed; afterwards everybody may', async ({
  core,
}) => {
  const uses = core.folderUses;
  const [ours, theirs] = [(await begun(core)).jobId, await submitted(core)];
  await uses.join('demo', 'Transport', ours);
  await uses.claimAlone('demo', 'Transport', ours, hourMs);
  expect(await uses.join('demo', 'Transport', theirs)).toBe(false);
  expect(await uses.join('demo', 'Transport', ours)).toBe(true);
  expect(await uses.join('other', 'Transport', theirs)).toBe(true);
  await uses.leave('demo', 'Transport', theirs);
  expect(await uses.join('demo', 'Transport', theirs)).toBe(false);
  await uses.leave('demo', 'Transport', ours);
  expect(await uses.join('demo', 'Transport', theirs)).toBe(true);
});

test('jobs that ended without leaving do not count; dismissed ones do until they are undone', async ({
  core,
}) => {
  const uses = core.folderUses;
  const ours = (await begun(core)).jobId;
  const done = await begun(core);
  const dismissed = await begun(core);
  for (const { jobId } of [{ jobId: ours }, done, dismissed, { jobId: 'forgotten' }])
    await uses.join('demo', 'Transport', jobId);
  await core.records.change(done.jobId, done.attempt, 'ended', {
    status: 'successful',
    results: {},
  });
  await core.records.dismiss(dismissed.jobId);
  expect(await uses.claimAlone('demo', 'Transport', ours, hourMs)).toBe(false);
  await core.records.change(dismissed.jobId, dismissed.attempt, 'ended', { undo: 'done' });
  expect(await uses.claimAlone('demo', 'Transport', ours, hourMs)).toBe(true);
});

test('a remover that died does not keep others out for ever', async ({ core }) => {
  const uses = core.folderUses;
  await uses.join('demo', 'Transport', 'dead');
  expect(await uses.claimAlone('demo', 'Transport', 'dead', 1)).toBe(true);
  await vi.waitFor(async () => expect(await uses.join('demo', 'Transport', 'next')).toBe(true));
});
