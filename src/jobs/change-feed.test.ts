import { expect, inject, vi } from 'vitest';
import {
  test as base,
  beginAgain,
  type JobCore,
  silent,
  submitted,
} from '../../test/support/job-core.ts';
import { openRedis } from '../lib/redis.ts';
import { ChangeFeed, type JobNews } from './change-feed.ts';

type Feed = { feed: ChangeFeed; close: () => Promise<void> };

const test = base.extend<{ opened: Feed }>({
  opened: async ({ core }, use) => {
    const opened = openFeed(core);
    await use(opened);
    await opened.close();
  },
});

function openFeed({ records, prefix }: JobCore): Feed {
  const redis = openRedis({ url: inject('redisUrl'), prefix }, 'patient');
  const feed = new ChangeFeed(redis, records.keys, silent);
  return { feed, close: () => feed.close() };
}

/** Opens the feed and waits until it hears. */
async function hearing(core: JobCore, feed: ChangeFeed): Promise<void> {
  await feed.open();
  const heard = vi.fn();
  const stop = feed.listen(heard);
  await vi.waitFor(async () => {
    await submitted(core);
    expect(heard).toHaveBeenCalled();
  });
  stop();
}

test('listeners hear of every change in order; those of one job only of it', async ({
  core,
  opened: { feed },
}) => {
  await hearing(core, feed);
  const [one, two] = [
    await submitted(core),
    await submitted(core, { site: 'demo', owner: 'night' }),
  ];
  const all: JobNews[] = [];
  const ofTwo: JobNews[] = [];
  feed.listen((news) => all.push(news));
  feed.listenTo(two, (news) => ofTwo.push(news));
  await beginAgain(core, one);
  const attempt = await beginAgain(core, two);
  await core.records.change(two, attempt, 'ended', { status: 'successful', results: {} });
  await vi.waitFor(() => expect(all.at(-1)).toMatchObject({ kind: 'ended' }));

  const begun = ({ kind }: JobNews) => kind !== 'accepted'; // news of before may come after listening
  expect(ofTwo.filter(begun)).toMatchObject([
    {
      jobId: two,
      kind: 'attempt',
      rev: 2,
      status: 'running',
      site: 'demo',
      owner: 'night',
      processID: 'echo',
    },
    { jobId: two, kind: 'ended', rev: 3, status: 'successful' },
  ]);
  expect(all.filter(begun).filter(({ jobId }) => jobId === one)).toMatchObject([
    { kind: 'attempt', rev: 2, site: '' },
  ]);
});

test('who stops twice takes nothing away from those that listen since', async ({
  core,
  opened: { feed },
}) => {
  await hearing(core, feed);
  const jobId = await submitted(core);
  const stop = feed.listenTo(jobId, () => {});
  stop();
  const heard = vi.fn();
  feed.listenTo(jobId, heard);
  stop();
  await beginAgain(core, jobId);
  await vi.waitFor(() => expect(heard).toHaveBeenCalled(), 10_000);
});

test('who stops listening hears nothing more', async ({ core, opened: { feed } }) => {
  await hearing(core, feed);
  const jobId = await submitted(core);
  const [gone, stays] = [vi.fn(), vi.fn()];
  const stop = feed.listenTo(jobId, gone);
  feed.listenTo(jobId, stays);
  stop();
  await beginAgain(core, jobId);
  await vi.waitFor(() => expect(stays).toHaveBeenCalled());
  expect(gone).not.toHaveBeenCalled();
});

test('a listener that throws does not keep news from the others', async ({
  core,
  opened: { feed },
}) => {
  await hearing(core, feed);
  const heard = vi.fn();
  feed.listen(() => {
    throw new Error('broken listener');
  });
  feed.listen(heard);
  const jobId = await submitted(core);
  await vi.waitFor(() => expect(heard).toHaveBeenCalledWith(expect.objectContaining({ jobId })));
});

test('a lost connection is made again, and nothing in between is missed', async ({
  core,
  opened: { feed },
}) => {
  await hearing(core, feed);
  const heard: string[] = [];
  feed.listen(({ jobId }) => heard.push(jobId));
  const clients = String(await core.redis.client('LIST'));
  const blocked = clients.split('\n').filter((line) => /cmd=xread\b/.test(line));
  for (const line of blocked)
    await core.redis.client('KILL', 'ID', /id=(\d+)/.exec(line)?.[1] ?? '');
  const missed = await submitted(core);
  await vi.waitFor(() => expect(heard).toContain(missed), { timeout: 10_000 });
  expect(blocked).not.toEqual([]);
});

test('a closed feed ends at once, also when it never opened', async ({ core }) => {
  const opened = openFeed(core);
  await opened.close();
  const other = openFeed(core);
  await hearing(core, other.feed);
  await other.close();
  await other.close();
  const heard = vi.fn();
  other.feed.listen(heard);
  await submitted(core);
  expect(heard).not.toHaveBeenCalled();
});
