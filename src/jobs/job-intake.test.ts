import { expect, inject } from 'vitest';
import {
  expectConsistent,
  found,
  type JobCore,
  newJob,
  savedUpload,
  test,
} from '../../test/support/job-core.ts';
import { findFreePort, openOwnRedisAt } from '../lib/own-redis.ts';
import { isRedisAway, openRedis } from '../lib/redis.ts';
import { timeCommands } from '../lib/redis-timing.ts';
import { JobIntake } from './job-intake.ts';
import { jobKeys } from './job-keys.ts';

/** What BullMQ keeps of a queue, without the ids of events and the clock. */
async function readQueue({ redis, records }: JobCore, queue: string, jobId: string) {
  const base = `${records.keys.bull}:${queue}:`;
  const names = (await redis.keys(`${base}*`)).map((key) => key.slice(base.length)).sort();
  const { timestamp, ...job } = await redis.hgetall(`${base}${jobId}`);
  const events = await redis.xrange(`${base}events`, '-', '+');
  return {
    names,
    job: { ...job, opts: JSON.parse(job.opts ?? '') as unknown },
    isTimed: Number(timestamp) > 0,
    events: events.map(([, fields]) => fields),
    prioritized: await redis.zrange(`${base}prioritized`, '0', '-1', 'WITHSCORES'),
    marker: await redis.zrange(`${base}marker`, '0', '-1', 'WITHSCORES'),
    counters: await redis.mget(`${base}id`, `${base}pc`),
    most: await redis.hget(`${base}meta`, 'opts.maxLenEvents'),
  };
}

test('a job is put into its queue exactly as BullMQ puts it there', async ({ core }) => {
  const job = newJob({ queue: 'ours', priority: 7 });
  await core.intake.submit(job, { isQueued: true });
  await core.queues.add('theirs', job.jobId, job.processID, 7);
  await core.redis.hdel(`${core.records.keys.bull}:theirs:meta`, 'version'); // each process that opens a queue writes it
  const ours = await readQueue(core, 'ours', job.jobId);
  expect(ours).toEqual(await readQueue(core, 'theirs', job.jobId));
  expect(ours.prioritized).toHaveLength(2);
  expect(await core.records.readPending()).toEqual({});
});

test('jobs that come together are written by few commands, each for itself and in order', async ({
  core,
}) => {
  const redis = openRedis({ url: inject('redisUrl'), prefix: core.prefix }, 'patient');
  const intake = new JobIntake(redis, core.records.keys, { failedUploadDays: 7 });
  await intake.submit(newJob({ owner: 'first' })); // it measures the clock
  let commands = 0;
  timeCommands(redis, () => {
    commands += 1;
  });
  const uploadId = await savedUpload(core);
  const jobs = Array.from({ length: 200 }, () => newJob({ priority: 0, uploads: [uploadId] }));
  const outcomes = await Promise.all(jobs.map((job) => intake.submit(job, { isQueued: true })));
  expect(commands).toBeLessThan(50);
  expect(outcomes).toMatchObject(
    jobs.map((_, at) => ({ kind: 'accepted', seq: at + 2, priority: at + 1 })),
  );
  expect(await core.queues.count('here')).toMatchObject({ prioritized: 200 });
  await expectConsistent(core);
  redis.disconnect();
});

test('what is wrong with one job touches none of those that come with it', async ({ core }) => {
  const lineOf = (lock: string) => core.records.keys.line(lock);
  await core.redis.set(lineOf('broken'), 'no sorted set');
  const good = [newJob(), newJob(), newJob()];
  const [first, broken, second, refused, third] = await Promise.allSettled(
    [
      good[0],
      newJob({ locks: ['broken'] }),
      good[1],
      newJob({ uploads: ['0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b'] }),
      good[2],
    ].map((job) => core.intake.submit(job ?? newJob())),
  );
  for (const outcome of [first, second, third])
    expect(outcome).toMatchObject({ value: { kind: 'accepted' } });
  expect(broken).toMatchObject({ reason: { message: expect.stringContaining('WRONGTYPE') } });
  expect(refused).toMatchObject({ value: { kind: 'no-upload' } });
  for (const { jobId } of good) expect(await found(core, jobId)).toMatchObject({ jobId });
});

test('a job that is larger than what is written together is written', async ({ core }) => {
  const jobs = Array.from({ length: 3 }, () => newJob({ params: { text: 'x'.repeat(600_000) } }));
  const outcomes = await Promise.all(jobs.map((job) => core.intake.submit(job)));
  expect(outcomes).toMatchObject(jobs.map(() => ({ kind: 'accepted' })));
});

test('while Redis is away nobody waits behind those that wait for it', async ({ core }) => {
  const redis = openRedis({ url: 'redis://127.0.0.1:1', prefix: core.prefix }, 'impatient');
  const intake = new JobIntake(redis, core.records.keys, { failedUploadDays: 7 });
  const asked = Array.from({ length: 150 }, () => intake.submit(newJob()));
  const beganMs = Date.now();
  for (const outcome of await Promise.allSettled(asked))
    expect(outcome).toMatchObject({ status: 'rejected' });
  expect(Date.now() - beganMs).toBeLessThan(1_000);
  redis.disconnect();
});

test('that a job was accepted is its first event, though no log is kept of it yet', async ({
  core,
}) => {
  const job = newJob();
  await core.intake.submit(job);
  expect(await core.redis.exists(core.records.keys.log(job.jobId))).toBe(0);
  const accepted = { number: 1, kind: 'status', change: 'accepted', rev: 1, status: 'accepted' };
  expect(await core.events.readAfter(job.jobId, 0)).toMatchObject([accepted]);
  await core.records.begin(job.jobId, 'worker');
  const begun = { number: 2, change: 'attempt', status: 'running' };
  expect(await core.events.readAfter(job.jobId, 0)).toMatchObject([accepted, begun]);
  expect(await core.events.readAfter(job.jobId, 1)).toMatchObject([begun]);
  await core.redis.unlink(core.records.keys.log(job.jobId)); // as retention does
  expect(await core.events.readAfter(job.jobId, 0)).toEqual([]);
});

test('a Redis that has become a replica counts as away, not as a fault of ours', async () => {
  const own = await openOwnRedisAt(await findFreePort(), { kind: 'none' });
  const redis = openRedis({ url: own.url, prefix: 't' }, 'patient');
  const intake = new JobIntake(redis, jobKeys('t'), { failedUploadDays: 7 });
  expect(await intake.submit(newJob())).toMatchObject({ kind: 'accepted' });
  await redis.replicaof('127.0.0.1', 1);
  const error = await intake.submit(newJob()).then(String, (caught: unknown) => caught);
  expect(isRedisAway(error)).toBe(true);
  redis.disconnect();
  await own.close();
});
