import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { JobRecords } from '../src/jobs/job-records.ts';
import { type Figure, median, openHouse } from './support.ts';

/** Reading one job and list pages beside 100, 10,000 and (asked for) 1,000,000 ended jobs; memory per job. */
export async function measureLists(sizes: number[]): Promise<Figure[]> {
  const house = await openHouse();
  const redis = new Redis(house.redis.url);
  const records = new JobRecords(redis, { prefix: 'pressroom', failedUploadDays: 7 });
  const figures: Figure[] = [];
  let filled = 0;
  const memory = async () => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  const empty = await memory();
  let lastId = '';
  for (const size of sizes) {
    for (; filled < size; filled += 50) {
      const ids = await Promise.all(
        Array.from({ length: Math.min(50, size - filled) }, () => addEnded(records)),
      );
      lastId = ids[0] ?? lastId;
    }
    const timed = async (path: string) => {
      const took: number[] = [];
      for (let run = 0; run < 30; run += 1) {
        const beganMs = performance.now();
        const response = await fetch(house.url + path);
        await response.text();
        took.push(performance.now() - beganMs);
      }
      return median(took);
    };
    figures.push({
      what: `one job, beside ${size} ended`,
      value: await timed(`/v1/jobs/${lastId}`),
      unit: 'ms',
    });
    figures.push({
      what: `a page of 100, beside ${size} ended`,
      value: await timed('/v1/jobs?limit=100'),
      unit: 'ms',
    });
    figures.push({
      what: `a page by status and site, beside ${size} ended`,
      value: await timed('/v1/jobs?limit=100&status=failed&site=demo'),
      unit: 'ms',
    });
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

async function addEnded(records: JobRecords): Promise<string> {
  const jobId = randomUUID();
  const now = Date.now();
  await records.submit({
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
