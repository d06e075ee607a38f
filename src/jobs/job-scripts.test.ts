import { expect } from 'vitest';
import {
  beginAgain,
  begun,
  expectConsistent,
  found,
  type JobCore,
  newJob,
  savedUpload,
  submitted,
  test,
} from '../../test/support/job-core.ts';
import { toProblem } from '../lib/problem.ts';

const broken = toProblem(new Error('broken'));
const roads = 'demo:service:roads.mapserver';
const parcels = 'demo:service:parcels.mapserver';

async function end(core: JobCore, jobId: string): Promise<string[]> {
  const { attempt } = await found(core, jobId);
  return core.records.change(jobId, attempt, 'ended', { status: 'successful', results: {} });
}

test('a lock is taken once, and again by the job that has it', async ({ core }) => {
  const { jobId } = await begun(core, { locks: [roads] });
  const other = await submitted(core, { locks: [roads] });
  expect(await core.locks.take(jobId)).toEqual({ kind: 'taken' });
  expect(await core.locks.take(other)).toEqual({
    kind: 'blocked',
    lock: roads,
    holder: jobId,
    place: 1,
  });
  await beginAgain(core, jobId);
  expect(await core.locks.take(jobId)).toEqual({ kind: 'taken' });
  expect(await core.locks.readPlace(roads, other)).toEqual({ holder: jobId, place: 1 });
  await expectConsistent(core);
});

test('jobs without locks are never in the way', async ({ core }) => {
  const { jobId } = await begun(core);
  expect(await core.locks.take(jobId)).toEqual({ kind: 'taken' });
  expect(await core.locks.giveBack(jobId)).toEqual([]);
});

test('the line stands in order of acceptance, whatever the order of asking', async ({ core }) => {
  const holder = (await begun(core, { locks: [roads] })).jobId;
  const [second, third] = [
    await submitted(core, { locks: [roads] }),
    await submitted(core, { locks: [roads] }),
  ];
  await core.locks.take(holder);
  expect(await core.locks.take(third)).toMatchObject({ holder, place: 2 });
  expect(await core.locks.take(second)).toMatchObject({ holder, place: 1 });
  expect(await core.locks.take(third)).toMatchObject({ holder, place: 2 });

  expect(await end(core, holder)).toEqual([second]);
  expect(await core.locks.take(third)).toEqual({
    kind: 'blocked',
    lock: roads,
    holder: second,
    place: 2,
  });
  expect(await core.locks.take(second)).toEqual({ kind: 'taken' });
  await core.records.begin(second, 'worker');
  expect(await end(core, second)).toEqual([third]);
  expect(await core.locks.take(third)).toEqual({ kind: 'taken' });
});

test('a job that has to wait for one of its locks takes none of them', async ({ core }) => {
  const holder = (await begun(core, { locks: [parcels] })).jobId;
  const both = await submitted(core, { locks: [roads, parcels] });
  const third = await submitted(core, { locks: [roads] });
  await core.locks.take(holder);
  expect(await core.locks.take(both)).toMatchObject({
    kind: 'blocked',
    lock: parcels,
    holder,
  });
  expect(await core.locks.readPlace(roads, both)).toEqual({ place: 1 });

  expect(await end(core, holder)).toEqual([both]);
  expect(await core.locks.take(both)).toEqual({ kind: 'taken' });
  await core.records.begin(both, 'worker');
  expect(await end(core, both)).toEqual([third]);
  expect(await core.locks.take(third)).toEqual({ kind: 'taken' });
});

test('a job whose turn comes early does not overtake an earlier one on the same service', async ({
  core,
}) => {
  const first = await submitted(core, { locks: [roads], priority: 2_000 });
  const second = await submitted(core, { locks: [roads], priority: 1 });
  expect(await core.locks.take(second)).toMatchObject({ kind: 'blocked', holder: first });
  expect(await core.locks.take(first)).toEqual({ kind: 'taken' });
});

test('a job at work that takes more does not wait for one that has not begun', async ({ core }) => {
  const early = await submitted(core, { locks: [parcels] });
  const { jobId, attempt } = await begun(core);
  await core.records.change(jobId, attempt, 'locks', { locks: [parcels] });
  expect(await core.locks.take(jobId)).toEqual({ kind: 'taken' });
  expect(await core.locks.take(early)).toMatchObject({ kind: 'blocked', holder: jobId });
});

test('priority is the number of open jobs of the same owner in the queue, and one', async ({
  core,
}) => {
  const submit = async (owner: string, queue = 'site-demo') => {
    const job = newJob({ owner, queue, priority: 0 });
    const outcome = await core.intake.submit(job);
    return { jobId: job.jobId, priority: outcome.kind === 'accepted' ? outcome.priority : 0 };
  };
  const mine = [await submit('ci'), await submit('ci'), await submit('ci')];
  expect(mine.map(({ priority }) => priority)).toEqual([1, 2, 3]);
  const other = await submit('other');
  expect(other.priority).toBe(1);
  expect((await submit('ci', 'site-test')).priority).toBe(1);
  expect(await core.records.readPlaceInQueue('site-demo', other.jobId)).toBe(2);

  await core.records.dismiss(mine[0]?.jobId ?? '');
  expect((await submit('ci')).priority).toBe(3);
  expect(await core.records.prioritize(mine[2]?.jobId ?? '', 1)).toBe('ok');
  expect(await core.records.readPlaceInQueue('site-demo', mine[2]?.jobId ?? '')).toBe(1);
  expect((await found(core, mine[2]?.jobId ?? '')).priority).toBe(1);
  await core.records.begin(mine[2]?.jobId ?? '', 'worker');
  expect(await core.records.prioritize(mine[2]?.jobId ?? '', 7)).toBe('begun');
  await expectConsistent(core);
});

test('a holder that has gone does not block', async ({ core }) => {
  const lost = (await begun(core, { locks: [roads] })).jobId;
  const next = await submitted(core, { locks: [roads] });
  await core.locks.take(lost);
  await core.redis.del(core.records.keys.job(lost)); // as if Redis had lost it
  expect(await core.locks.take(next)).toEqual({ kind: 'taken' });
  expect(await core.locks.readPlace(roads, next)).toEqual({ holder: next });
});

test('a place in the line of a job that has gone does not block, and is not woken', async ({
  core,
}) => {
  const holder = (await begun(core, { locks: [roads] })).jobId;
  const lost = await submitted(core, { locks: [roads] });
  const [third, fourth] = [
    await submitted(core, { locks: [roads] }),
    await submitted(core, { locks: [roads] }),
  ];
  for (const jobId of [holder, lost, third, fourth]) await core.locks.take(jobId);
  await core.redis.del(core.records.keys.job(lost));

  expect(await end(core, holder)).toEqual([third]);
  expect(await core.locks.take(fourth)).toMatchObject({ kind: 'blocked', holder: third });
  expect(await core.locks.take(third)).toEqual({ kind: 'taken' });
});

test('a job that is dismissed in the line leaves it', async ({ core }) => {
  const holder = (await begun(core, { locks: [roads] })).jobId;
  const [second, third] = [
    await submitted(core, { locks: [roads] }),
    await submitted(core, { locks: [roads] }),
  ];
  for (const jobId of [holder, second, third]) await core.locks.take(jobId);
  await core.records.dismiss(second);
  expect(await core.locks.readPlace(roads, third)).toEqual({ holder, place: 1 });
  expect(await end(core, holder)).toEqual([third]);
});

test('a dismissed job holds its lock until it is undone', async ({ core }) => {
  const { jobId, attempt } = await begun(core, { locks: [roads] });
  const next = await submitted(core, { locks: [roads] });
  await core.locks.take(jobId);
  await core.locks.take(next);
  await core.records.dismiss(jobId);
  expect(await core.locks.take(next)).toMatchObject({ kind: 'blocked', holder: jobId });
  await core.records.change(jobId, attempt, 'step', { message: 'still at it' });
  expect(await core.locks.take(next)).toMatchObject({ kind: 'blocked', holder: jobId });

  expect(await core.records.change(jobId, attempt, 'ended', { undo: 'done' })).toEqual([next]);
  expect(await core.locks.take(next)).toEqual({ kind: 'taken' });
  await expectConsistent(core);
});

test('what is written after the end frees nothing twice', async ({ core }) => {
  const { jobId, attempt } = await begun(core, { locks: [roads] });
  await core.locks.take(jobId);
  await end(core, jobId);
  const next = (await begun(core, { locks: [roads] })).jobId;
  await core.locks.take(next);
  expect(await core.records.change(jobId, attempt, 'late', { message: 'late' })).toEqual([]);
  expect(await core.locks.readPlace(roads, next)).toEqual({ holder: next });
});

test('locks given back promote the head; the giver stays in no line', async ({ core }) => {
  const first = (await begun(core, { locks: [roads] })).jobId;
  const second = await submitted(core, { locks: [roads] });
  await core.locks.take(first);
  await core.locks.take(second);
  expect(await core.locks.giveBack(first)).toEqual([second]);
  expect(await core.locks.take(second)).toEqual({ kind: 'taken' });
  expect(await core.locks.giveBack(first)).toEqual([]);
  expect(await core.locks.take(first)).toMatchObject({ kind: 'blocked', holder: second });
});

test('uploads are held by what has not ended, for days by what failed, by nothing that succeeded', async ({
  core,
}) => {
  const uploadId = await savedUpload(core);
  const until = async (jobId: string) =>
    core.redis.zscore(core.records.keys.uploadHolds(uploadId), jobId);
  const running = await begun(core, { uploads: [uploadId] });
  const accepted = await submitted(core, { uploads: [uploadId] });
  const failing = await begun(core, { uploads: [uploadId] });
  const all = [running.jobId, accepted, failing.jobId];
  expect((await core.uploads.findHolders(uploadId)).sort()).toEqual(all.sort());

  const before = Date.now();
  await core.records.change(failing.jobId, failing.attempt, 'ended', {
    status: 'failed',
    exception: broken,
  });
  const heldUntil = Number(await until(failing.jobId));
  expect(heldUntil).toBeGreaterThanOrEqual(before + 7 * 86_400_000);
  expect(heldUntil).toBeLessThanOrEqual(Date.now() + 7 * 86_400_000);

  await end(core, running.jobId);
  await core.records.dismiss(accepted);
  expect(await core.uploads.findHolders(uploadId)).toEqual([failing.jobId]);
  await core.redis.zadd(core.records.keys.uploadHolds(uploadId), Date.now() - 1, failing.jobId);
  expect(await core.uploads.findHolders(uploadId)).toEqual([]);
});

test('a dismissed job holds its uploads until it is undone', async ({ core }) => {
  const uploadId = await savedUpload(core);
  const { jobId, attempt } = await begun(core, { uploads: [uploadId] });
  await core.records.dismiss(jobId);
  expect(await core.uploads.findHolders(uploadId)).toEqual([jobId]);
  await core.records.change(jobId, attempt, 'ended', { undo: 'nothing-to-do' });
  expect(await core.uploads.findHolders(uploadId)).toEqual([]);
});

/** A small generator, so that a walk that goes wrong can be walked again. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state % below;
  };
}

test.for([1, 2, 3, 4])(
  'after every script records, indexes, lines and stream agree: walk %i',
  async (seed, { core }) => {
    const random = createRandom(seed * 7_919);
    const locks = [[], [roads], [parcels], [roads, parcels]];
    const jobs: string[] = [];
    const attempts = new Map<string, number>();
    const pick = () => jobs[random(jobs.length)] ?? '';
    const fenced = async (jobId: string, work: (attempt: number) => Promise<unknown>) => {
      const attempt = attempts.get(jobId);
      if (attempt !== undefined) await work(attempt).catch(() => undefined); // refused is fine; torn is not
    };
    const moves = [
      async () => {
        const job = newJob({
          locks: locks[random(4)] ?? [],
          site: ['a', 'b'][random(2)] ?? 'a',
          labels: ['x', 'y'].slice(random(3)),
        });
        jobs.push(job.jobId);
        await core.intake.submit(job);
      },
      async () => {
        const jobId = pick();
        if ((await core.locks.take(jobId)).kind !== 'taken') return;
        const attempt = await core.records.begin(jobId, 'worker');
        if (attempt !== undefined) attempts.set(jobId, attempt);
      },
      async () => core.records.dismiss(pick()),
      async () => {
        const jobId = pick();
        await fenced(jobId, (attempt) =>
          core.records.change(jobId, attempt, 'ended', { status: 'successful', results: {} }),
        );
      },
      async () => {
        const jobId = pick();
        await fenced(jobId, (attempt) =>
          core.records.change(jobId, attempt, 'ended', { status: 'failed', exception: broken }),
        );
      },
      async () => {
        const jobId = pick();
        await fenced(jobId, (attempt) =>
          core.records.change(jobId, attempt, 'ended', { undo: 'done' }),
        );
      },
      async () => core.records.park(pick(), { reason: 'site' }),
      async () => core.endedJobs.forget(pick()),
      async () => core.locks.giveBack(pick()),
    ];
    for (let round = 0; round < 60; round += 1) {
      await moves[round < 4 ? 0 : random(moves.length)]?.();
      if (round % 5 === 0) await expectConsistent(core);
    }
    await expectConsistent(core);
    for (const lock of [roads, parcels]) {
      const line = await core.redis.zrange(core.records.keys.line(lock), '0', '-1');
      const alive = await core.records.findAlive();
      expect(line.filter((jobId) => !alive.includes(jobId))).toEqual([]);
    }
  },
);
