import { expect } from 'vitest';
import {
  beginAgain,
  found,
  type JobCore,
  savedUpload,
  submitted,
  test,
} from '../../test/support/job-core.ts';
import { openRedis } from '../lib/redis.ts';
import { type JobFilter, JobList } from './job-list.ts';
import type { JobRecord, JobSummary } from './job-record.ts';
import { JobRecords } from './job-records.ts';

/** Reads every page; between two pages something may happen. */
async function readAll(
  { list }: Pick<JobCore, 'list'>,
  filter: JobFilter,
  limit: number,
  meanwhile: () => Promise<unknown> = async () => undefined,
): Promise<JobSummary[]> {
  const seen: JobSummary[] = [];
  let cursor: string | undefined;
  do {
    const page = await list.read(filter, limit, cursor);
    expect(page.jobs.length).toBeLessThanOrEqual(limit);
    seen.push(...page.jobs);
    cursor = page.nextCursor;
    if (cursor) await meanwhile();
  } while (cursor);
  return seen;
}

const idsOf = (jobs: Pick<JobRecord, 'jobId'>[]) => jobs.map(({ jobId }) => jobId);

/** Jobs of every kind, newest first: two owners, two sites, labels, every status. */
async function fill(core: JobCore, count: number): Promise<JobRecord[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const site = ['a', 'b'][index % 2] ?? 'a';
    const jobId = await submitted(core, {
      owner: index % 3 === 0 ? 'night' : 'ci',
      processID: index % 5 === 0 ? 'echo' : 'publish-service-definition',
      site,
      labels: ['all', `third-${index % 3}`, `half-${index % 2}`],
      createdMs: 1_000 + index,
      ...(index % 4 === 0 && { reference: 'build' }),
    });
    ids.unshift(jobId);
    if (index % 5 === 1) await core.records.dismiss(jobId);
    if (index % 5 > 2) {
      const attempt = await beginAgain(core, jobId);
      if (index % 5 === 4)
        await core.records.change(jobId, attempt, 'ended', { status: 'successful', results: {} });
    }
  }
  return core.records.findMany(ids);
}

test('an empty list has no cursor', async ({ core }) => {
  expect(await core.list.read({}, 10, undefined)).toEqual({ jobs: [] });
});

test.for([1, 2, 7, 30, 31, 1_000])(
  'each job comes once, newest first, %i at a time',
  async (limit, { core }) => {
    const jobs = await fill(core, 31);
    expect(idsOf(await readAll(core, {}, limit))).toEqual(idsOf(jobs));
  },
);

test('the last page has no cursor, also when it is full', async ({ core }) => {
  await fill(core, 4);
  const first = await core.list.read({}, 2, undefined);
  const second = await core.list.read({}, 2, first.nextCursor);
  expect(second.jobs).toHaveLength(2);
  expect(second.nextCursor).toBeUndefined();
});

test('the size of a page may change on the way', async ({ core }) => {
  const jobs = await fill(core, 10);
  const first = await core.list.read({}, 3, undefined);
  const rest = await core.list.read({}, 100, first.nextCursor);
  expect([...idsOf(first.jobs), ...idsOf(rest.jobs)]).toEqual(idsOf(jobs));
});

test('jobs that come while paging neither repeat nor hide the older ones', async ({ core }) => {
  const jobs = await fill(core, 12);
  const seen = await readAll(core, { label: ['all', 'third-1'] }, 2, () =>
    submitted(core, { labels: ['all', 'third-1'] }),
  );
  expect(idsOf(seen)).toEqual(idsOf(jobs));
});

test('any combination of filters finds what fits, each job once', async ({ core }) => {
  const jobs = await fill(core, 40);
  const choices: JobFilter[][] = [
    [{}, { owner: 'ci' }, { owner: 'nobody' }],
    [{}, { status: ['accepted'] }, { status: ['running', 'successful', 'dismissed'] }],
    [{}, { processID: ['echo'] }, { processID: ['echo', 'publish-service-definition'] }],
    [{}, { site: ['b'] }],
    [{}, { label: ['third-0', 'half-1'] }, { label: ['all', 'third-2', 'half-0', 'none'] }],
    [{}, { reference: ['build'] }],
    [{}, { createdFromMs: 1_010, createdToMs: 1_030 }],
  ];
  const combined = choices.reduce<JobFilter[]>(
    (all, some) => all.flatMap((one) => some.map((other) => ({ ...one, ...other }))),
    [{}],
  );
  for (const filter of combined) {
    const wanted = idsOf(jobs.filter((job) => fits(job, filter)));
    expect({ filter, ids: idsOf(await readAll(core, filter, 9)) }).toEqual({ filter, ids: wanted });
  }
});

function fits(job: JobSummary, filter: JobFilter): boolean {
  const among = <T>(wanted: T[] | undefined, ...values: (T | undefined)[]) =>
    wanted === undefined || values.some((value) => value !== undefined && wanted.includes(value));
  return (
    (filter.owner === undefined || job.owner === filter.owner) &&
    among(filter.status, job.status) &&
    among(filter.processID, job.processID) &&
    among(filter.site, job.site) &&
    among(filter.label, ...job.labels) &&
    among(filter.reference, job.reference) &&
    job.createdMs >= (filter.createdFromMs ?? 0) &&
    job.createdMs <= (filter.createdToMs ?? Number.POSITIVE_INFINITY)
  );
}

test('a filter with nothing in it lets nothing through', async ({ core }) => {
  await fill(core, 3);
  expect(await core.list.read({ status: [] }, 10, undefined)).toEqual({ jobs: [] });
});

test('a value of a filter may hold anything', async ({ core }) => {
  await fill(core, 3);
  for (const strange of ['half \ud83d', '*', '"\\', 'all\u0000', 'ä:b'])
    expect(await core.list.read({ label: [strange] }, 10, undefined)).toEqual({ jobs: [] });
});

test('a duration is counted from the begin, up to now for a job that runs', async ({ core }) => {
  const [waiting, quick, slow, running] = [
    await submitted(core),
    await submitted(core),
    await submitted(core),
    await submitted(core),
  ];
  const now = Date.now();
  const set = (jobId: string, times: Record<string, number>) =>
    core.redis.hset(core.records.keys.job(jobId), times);
  await set(quick, { startedMs: now - 50_000, finishedMs: now - 49_000 });
  await set(slow, { startedMs: now - 50_000, finishedMs: now - 20_000 });
  await set(running, { startedMs: now - 60_000 });
  const read = async (filter: JobFilter) =>
    idsOf((await core.list.read(filter, 10, undefined)).jobs);
  expect(await read({ minDurationMs: 30_000 })).toEqual([running, slow]);
  expect(await read({ maxDurationMs: 5_000 })).toEqual([quick]);
  expect(await read({ minDurationMs: 0 })).toEqual([running, slow, quick]);
  expect(await read({})).toContain(waiting);
});

test('one page looks at so many jobs only, and says where to go on', async ({ core }) => {
  const oldest = await submitted(core, { createdMs: 1 });
  const script = `
    for i = 2, 5600 do
      local id = 'filler-' .. i
      redis.call('ZADD', KEYS[1], i, id)
      redis.call('HSET', ARGV[1] .. id, 'createdMs', '1000')
    end
    redis.call('SET', KEYS[2], 5600)`;
  const { keys, prefix } = { keys: core.records.keys, prefix: core.prefix };
  await core.redis.eval(script, 2, keys.all, `${prefix}:seq`, `${prefix}:job:`);

  const first = await core.list.read({ createdToMs: 10 }, 10, undefined);
  expect(first.jobs).toEqual([]);
  expect(first.nextCursor).toEqual(expect.any(String));
  const second = await core.list.read({ createdToMs: 10 }, 10, first.nextCursor);
  expect(idsOf(second.jobs)).toEqual([oldest]);
  expect(second.nextCursor).toBeUndefined();
});

test('a cursor tells nothing, and its letters fit into an address', async ({ core }) => {
  await fill(core, 3);
  const { nextCursor = '' } = await core.list.read({ owner: 'ci' }, 1, undefined);
  expect(nextCursor).toMatch(/^[\w-]{40,}$/);
  expect(Buffer.from(nextCursor, 'base64url').toString('latin1')).not.toMatch(/seq|ci|exp/);
});

test('a cursor fits its own list only', async ({ core }) => {
  await fill(core, 12);
  const filter: JobFilter = { owner: 'ci', label: ['all'] };
  const { nextCursor = '' } = await core.list.read(filter, 2, undefined);
  const others: JobFilter[] = [
    { label: ['all'] },
    { owner: 'night', label: ['all'] },
    { owner: 'ci' },
    { owner: 'ci', label: ['half-1'] },
    { ...filter, status: ['accepted'] },
    { ...filter, createdFromMs: 1 },
  ];
  for (const other of others)
    await expect(core.list.read(other, 2, nextCursor)).rejects.toMatchObject({
      code: 'invalid_cursor',
    });
  expect((await core.list.read(filter, 2, nextCursor)).jobs).toHaveLength(2);
});

test('a cursor that was touched is refused, wherever', async ({ core }) => {
  await fill(core, 4);
  const { nextCursor = '' } = await core.list.read({}, 2, undefined);
  const bytes = Buffer.from(nextCursor, 'base64url');
  const flipped = [...bytes].map((byte, at) => {
    const copy = Buffer.from(bytes);
    copy[at] = byte ^ 1;
    return copy.toString('base64url');
  });
  const cut = [
    bytes.subarray(0, 12),
    bytes.subarray(0, 16),
    bytes.subarray(0, 28),
    bytes.subarray(1),
  ];
  const wrong = [
    ...flipped,
    ...cut.map((part) => part.toString('base64url')),
    `${nextCursor}=`,
    '17',
    'ä',
  ];
  for (const cursor of wrong)
    await expect(core.list.read({}, 2, cursor)).rejects.toMatchObject({ code: 'invalid_cursor' });
});

test('a cursor of one gateway is none of another', async ({ core }) => {
  await fill(core, 4);
  const { nextCursor } = await core.list.read({}, 2, undefined);
  const records = new JobRecords(core.redis, { prefix: `${core.prefix}b`, failedUploadDays: 7 });
  const other = new JobList(core.redis, records);
  await expect(other.read({}, 2, nextCursor)).rejects.toMatchObject({ code: 'invalid_cursor' });
});

test('another process opens what this one sealed', async ({ core }) => {
  const jobs = await fill(core, 4);
  const { nextCursor } = await core.list.read({}, 2, undefined);
  const other = new JobList(
    core.redis,
    new JobRecords(core.redis, { prefix: core.prefix, failedUploadDays: 7 }),
  );
  expect(idsOf((await other.read({}, 2, nextCursor)).jobs)).toEqual(idsOf(jobs).slice(2));
});

test('while Redis is away a cursor is not called invalid', async ({ core }) => {
  const away = openRedis({ url: 'redis://127.0.0.1:1', prefix: core.prefix }, 'impatient');
  const list = new JobList(
    away,
    new JobRecords(away, { prefix: core.prefix, failedUploadDays: 7 }),
  );
  await expect(list.read({}, 2, 'abc')).rejects.not.toMatchObject({ code: 'invalid_cursor' });
  away.disconnect();
});

test('a job that was removed while it was listed is left out', async ({ core }) => {
  await savedUpload(core);
  const jobs = await fill(core, 5);
  const gone = jobs[1]?.jobId ?? '';
  await core.redis.del(core.records.keys.job(gone));
  expect(idsOf(await readAll(core, {}, 2))).toEqual(idsOf(jobs).filter((jobId) => jobId !== gone));
  expect(await found(core, jobs[0]?.jobId ?? '')).toMatchObject({ seq: 5 });
});
