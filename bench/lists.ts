import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { JobIntake } from '../src/jobs/job-intake.ts';
import { JobRecords } from '../src/jobs/job-records.ts';
import { type Figure, median, openHouse } from './support.ts';

const warmUps = 50;
const runs = 200;

/** Reading one job and list pages beside 100, 10,000 and (asked for) 1,000,000 ended jobs, each beside an answer that needs nothing; memory per job. */
export async function measureLists(sizes: number[]): Promise<Figure[]> {
  const house = await openHouse();
  const redis = new Redis(house.redis.url);
  const records = new JobRecords(redis, { prefix: 'pressroom', failedUploadDays: 7 });
  const intake = new JobIntake(redis, records.keys, { failedUploadDays: 7 });
  const figures: Figure[] = [];
  let filled = 0;
  const memory = async () => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  const empty = await memory();
  let lastId = '';
  for (const size of sizes) {
    if (size > mostOneByOne) {
      const templates = await Promise.all(
        Array.from({ length: 20 }, () => addEnded(records, intake)),
      );
      await copyEnded(redis, templates, size - filled);
      lastId = templates[0] ?? lastId;
      filled = size;
    }
    for (; filled < size; filled += 50) {
      const ids = await Promise.all(
        Array.from({ length: Math.min(50, size - filled) }, () => addEnded(records, intake)),
      );
      lastId = ids[0] ?? lastId;
    }
    const timed = async (path: string) => {
      const took: number[] = [];
      for (let run = 0; run < warmUps + runs; run += 1) {
        const beganMs = performance.now();
        const response = await fetch(house.url + path);
        await response.text();
        if (run >= warmUps) took.push(performance.now() - beganMs);
      }
      return median(took);
    };
    const besideNothing = await timed('/health/live');
    const read = async (what: string, path: string): Promise<Figure> => {
      const value = await timed(path);
      const ratio = value / besideNothing;
      return {
        what: `${what}, beside ${size} ended`,
        value,
        unit: 'ms',
        baseline: besideNothing,
        ratio,
      };
    };
    figures.push(await read('one job', `/v1/jobs/${lastId}`));
    figures.push(await read('a page of 100', '/v1/jobs?limit=100'));
    const filtered = '/v1/jobs?limit=100&status=failed&site=demo';
    figures.push(await read('a page by status and site', filtered));
    figures.push({
      what: `Redis memory per ended job, ${size} of them`,
      value: ((await memory()) - empty) / size / 1024,
      unit: 'KiB',
    });
  }
  redis.disconnect();
  await house.close();
  return figures;
}

/** More than this are copied inside Redis: to make them as they come would take an hour. */
const mostOneByOne = 10_000;
const copiesAtOnce = 500;

async function copyEnded(redis: Redis, templates: string[], count: number): Promise<void> {
  const script = `
    local id = ARGV[1]
    local job = redis.call('HGETALL', 'pressroom:job:' .. id)
    local log = redis.call('XRANGE', 'pressroom:log:' .. id, '-', '+')
    local names = {'all', 'status:' .. ARGV[4], 'owner:anonymous', 'process:publish-service-definition', 'site:demo', 'label:nightly'}
    local now = redis.call('ZSCORE', 'pressroom:ended', id)
    for number = tonumber(ARGV[2]), tonumber(ARGV[3]) do
      local copy = string.sub(id, 1, 24) .. string.format('%012d', number)
      local seq = redis.call('INCR', 'pressroom:seq')
      redis.call('HSET', 'pressroom:job:' .. copy, unpack(job))
      redis.call('HSET', 'pressroom:job:' .. copy, 'jobId', copy, 'seq', seq)
      for _, entry in ipairs(log) do redis.call('XADD', 'pressroom:log:' .. copy, entry[1], unpack(entry[2])) end
      for _, name in ipairs(names) do redis.call('ZADD', 'pressroom:index:' .. name, seq, copy) end
      redis.call('ZADD', 'pressroom:ended', now, copy)
    end`;
  for (let done = 0, turn = 0; done < count; done += copiesAtOnce, turn += 1) {
    const id = templates[turn % templates.length] ?? '';
    const status = (await redis.hget(`pressroom:job:${id}`, 'status')) ?? '';
    const last = Math.min(done + copiesAtOnce, count) - 1;
    await redis.eval(script, 0, id, String(done), String(last), status);
  }
}

async function addEnded(records: JobRecords, intake: JobIntake): Promise<string> {
  const jobId = randomUUID();
  const now = Date.now();
  await intake.submit({
    jobId,
    processID: 'publish-service-definition',
    owner: 'anonymous',
    site: 'demo',
    queue: 'site-demo',
    priority: 1,
    labels: ['nightly'],
    params: { site: 'demo', serviceDefinition: { href: `/v1/uploads/${jobId}` } },
    locks: [],
    uploads: [],
    createdMs: now,
    deadlineMs: now + 86_400_000,
  });
  await records.removePending(jobId);
  await records.begin(jobId, 'bench');
  const isFailed = Math.random() < 0.1;
  await records.change(jobId, 1, 'ended', {
    status: isFailed ? 'failed' : 'successful',
    message: 'Done',
    progress: 100,
    results: { outcome: 'created' },
  });
  return jobId;
}
