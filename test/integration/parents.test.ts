import { randomUUID } from 'node:crypto';
import { test as base, expect, vi } from 'vitest';
import { createFamily } from '../support/family.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';
import { findValue, parseMetrics } from '../support/metrics-text.ts';

type Family = ReturnType<typeof createFamily>;
type Word = { word: string; does?: 'fail' | 'wait' | 'wait-and-fail'; after?: string[] };
type Answer = Record<string, unknown> & { jobID: string };

const patience = { timeout: 20_000 };

type House = {
  gateway: Gateway;
  family: Family;
  read: (path: string, init?: RequestInit) => Promise<Answer>;
  submit: (words: Word[], inputs?: Record<string, unknown>) => Promise<string>;
};

const test = base.extend<{ open: (options?: { hasWorker?: boolean }) => Promise<House> }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  open: async ({}, use) => {
    const gateways: Gateway[] = [];
    await use(async (options = {}) => {
      const family = createFamily();
      const settings = { queue: { sweepSeconds: 0.2 } };
      const gateway = await openGateway({
        sites: {},
        settings,
        jobTypes: family.jobTypes,
        ...options,
      });
      gateways.push(gateway);
      const read = async (path: string, init: RequestInit = {}) =>
        (await fetch(gateway.url + path, init)).json() as Promise<Answer>;
      const submit = async (words: Word[], inputs: Record<string, unknown> = {}) => {
        const { jobID } = await read('/v1/processes/parent/execution', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ inputs: { words, ...inputs }, labels: ['night'], reference: 'r' }),
        });
        return jobID;
      };
      return { gateway, family, read, submit };
    });
    for (const gateway of gateways) await gateway.close();
  },
});

const words = (count: number): Word[] =>
  Array.from({ length: count }, (_, at) => ({ word: `word ${at}` }));

test('children inherit, hold no slot of their parent, and end it', async ({ open }) => {
  const { gateway, family, read, submit } = await open();
  const jobID = await submit([{ word: 'a', does: 'wait' }, { word: 'b' }]);
  const waiting = await gateway.until(
    jobID,
    ({ parked, children }) => parked?.reason === 'parent' && children?.open === 1,
  );
  expect(waiting).toMatchObject({ status: 'running', message: '1 of 2 children have ended' });
  expect(await read(`/v1/jobs/${jobID}`)).toMatchObject({
    waitingFor: { reason: 'parent', detail: '1 of 2 children have not ended' },
    children: { expected: 2, total: 2, running: 1, successful: 1 },
    progress: 49,
    links: expect.arrayContaining([expect.objectContaining({ rel: 'children' })]),
  });
  await vi.waitFor(async () => {
    const counts = await gateway.core.queues.count('here');
    expect(counts).toMatchObject({ active: 1, delayed: 1 });
  }, patience);
  const { jobs } = (await read(`/v1/jobs?parent=${jobID}`)) as unknown as { jobs: Answer[] };
  for (const job of jobs)
    expect(job).toMatchObject({ parentID: jobID, labels: ['night'], reference: 'r' });

  await vi.waitFor(() => expect(family.isWaiting('a')).toBe(true), patience);
  family.letGo('a');
  expect(await gateway.ended(jobID)).toMatchObject({ status: 'successful', progress: 100 });
});

test('a later child depends on what an earlier one came to', async ({ open }) => {
  const { gateway, read, submit } = await open();
  const jobID = await submit(words(1), { thenSay: 'again' });
  await gateway.ended(jobID);
  expect(await read(`/v1/jobs/${jobID}/results`)).toMatchObject({
    last: 'word 0 again',
    children: [{ key: 'word 0' }, { key: 'last', status: 'successful' }],
  });
});

test('a child begins after those that it names, and not when they fail', async ({ open }) => {
  const { gateway, family, read, submit } = await open();
  const jobID = await submit([
    { word: 'c', after: ['b'] },
    { word: 'b', after: ['a'] },
    { word: 'a' },
    { word: 'y', after: ['x'] },
    { word: 'x', does: 'fail' },
    { word: 'z', after: ['y'] },
  ]);
  const ended = await gateway.ended(jobID);
  expect(ended).toMatchObject({
    status: 'failed',
    exception: { children: { total: 6, successful: 3, failed: 1, dismissed: 2 } },
  });
  expect(family.begun.filter((word) => 'abc'.includes(word))).toEqual(['a', 'b', 'c']);
  expect(await read(`/v1/jobs/${jobID}/children`)).toMatchObject({
    children: [
      { key: 'c', status: 'successful' },
      { key: 'b' },
      { key: 'a' },
      { key: 'y', status: 'dismissed', detail: expect.stringContaining('Never begun') },
      { key: 'x', status: 'failed', code: 'publishing_failed', detail: 'x is not said' },
      { key: 'z', status: 'dismissed' },
    ],
  });
});

test('with onFailure=stop nothing is begun after the first failure', async ({ open }) => {
  const { gateway, family, submit } = await open();
  // As many as one worker carries at a time: the others cannot begin before one of these ends.
  const held = Array.from({ length: 15 }, (_, at) => `held ${at}`);
  const many: Word[] = [
    { word: 'x', does: 'wait-and-fail' },
    ...held.map((word): Word => ({ word, does: 'wait' })),
    ...words(150),
  ];
  const jobID = await submit(many, { onFailure: 'stop' });
  await gateway.until(jobID, ({ parked }) => parked?.reason === 'parent');
  await vi.waitFor(
    () => expect(['x', ...held].filter(family.isWaiting)).toHaveLength(16),
    patience,
  );
  family.letGo('x');
  await gateway.until(jobID, ({ children }) => children?.dismissed === 150);
  for (const word of held) family.letGo(word);
  expect(await gateway.ended(jobID)).toMatchObject({
    exception: { children: { total: 166, successful: 15, failed: 1, dismissed: 150 } },
    children: { open: 0, accepted: 0, running: 0 },
  });
  expect(family.begun.toSorted()).toEqual(['x', ...held].toSorted());
});

test('dismissing the parent dismisses its children and waits until they are put back', async ({
  open,
}) => {
  const { gateway, family, read, submit } = await open();
  const jobID = await submit([
    { word: 'done' },
    { word: 'held', does: 'wait' },
    { word: 'later', after: ['held'] },
  ]);
  await vi.waitFor(() => expect(family.isWaiting('held')).toBe(true), patience);
  await gateway.until(jobID, ({ children }) => children?.successful === 1);
  expect(await read(`/v1/jobs/${jobID}`, { method: 'DELETE' })).toMatchObject({
    status: 'dismissed',
    undo: 'pending',
  });
  const ended = await gateway.ended(jobID);
  expect(ended).toMatchObject({
    status: 'dismissed',
    undo: 'done',
    children: { total: 2, successful: 1, dismissed: 1, open: 0 },
  });
  const [, held] = await gateway.core.records.findChildren(jobID);
  expect(await gateway.core.records.find(held ?? '')).toMatchObject({
    status: 'dismissed',
    undo: 'done',
  });
});

test('a retry does only what was not successful', async ({ open }) => {
  const { gateway, family, read, submit } = await open();
  const jobID = await submit([{ word: 'a' }, { word: 'x', does: 'fail' }, { word: 'b' }]);
  await gateway.ended(jobID);
  family.begun.length = 0;
  const inputs = { words: [{ word: 'a' }, { word: 'x' }, { word: 'b' }] };
  const { jobID: again } = await read(`/v1/jobs/${jobID}/retry`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs }),
  });
  expect(await gateway.ended(again)).toMatchObject({ status: 'successful' });
  expect(family.begun).toEqual(['x']);
  expect(await read(`/v1/jobs/${again}`)).toMatchObject({
    children: { total: 3, successful: 3 },
  });
});

test('a parent that nobody woke is woken by the sweeper', async ({ open }) => {
  const { gateway, family, submit } = await open();
  const jobID = await submit([{ word: 'a', does: 'wait' }]);
  await gateway.until(jobID, ({ parked }) => parked?.reason === 'parent');
  await vi.waitFor(() => expect(family.isWaiting('a')).toBe(true), patience);
  const [child = ''] = await gateway.core.records.findChildren(jobID);
  const { attempt } = (await gateway.core.records.find(child)) ?? { attempt: 0 };
  // As by a worker that is killed right after it has written the end.
  await gateway.core.records.change(child, attempt, 'ended', {
    status: 'successful',
    results: { word: 'a' },
  });
  expect(Object.keys(await gateway.core.records.readPending())).toEqual([jobID]);
  expect(await gateway.ended(jobID)).toMatchObject({ status: 'successful' });
});

test('the parent of 2,000 children is one small read', async ({ open }) => {
  const { gateway, read, submit } = await open();
  const jobID = await submit([], { count: 2_000 });
  await gateway.until(jobID, ({ children }) => (children?.total ?? 0) >= 1_000);
  /** Of all that is read for the status. */
  const sizeOf = async () => {
    const key = `${gateway.config.redis.prefix}:job:${jobID}`;
    return Object.values(await gateway.redis.hgetall(key)).join().length;
  };
  expect(await sizeOf()).toBeLessThan(1_000);
  await gateway.ended(jobID);
  expect(await sizeOf()).toBeLessThan(1_000);
  const status = await read(`/v1/jobs/${jobID}`);
  expect(status).toMatchObject({ children: { total: 2_000, successful: 2_000 } });
  expect(JSON.stringify(status).length).toBeLessThan(4_000);
  const results = await fetch(`${gateway.url}/v1/jobs/${jobID}/results`);
  expect(((await results.json()) as { children: unknown[] }).children).toHaveLength(1_000);
  const next = /<([^>]+)>/.exec(results.headers.get('link') ?? '')?.[1] ?? '';
  const rest = (await (await fetch(next)).json()) as { children: { key: string }[] };
  expect(rest.children).toHaveLength(1_000);
  expect(rest.children.at(-1)?.key).toBe('word 1999');
});

test('an attempt that has been overtaken makes no more children, and none is made twice', async ({
  open,
}) => {
  const { gateway, submit } = await open();
  const jobID = await submit([], { count: 400 });
  await gateway.until(jobID, ({ children }) => (children?.total ?? 0) > 0);
  await gateway.core.records.begin(jobID, randomUUID()); // as another worker does that thinks this one dead
  const { children, attempt } = (await gateway.core.records.find(jobID)) ?? {};
  expect(children?.total).toBeLessThan(400);
  expect(attempt).toBeGreaterThan(1);
  // That worker dies, too; the job is given to the next.
  await gateway.core.queues.remove('here', jobID);
  await gateway.core.queues.add('here', jobID, 'parent', 1);
  expect(await gateway.ended(jobID)).toMatchObject({
    status: 'successful',
    children: { total: 400, successful: 400 },
  });
  expect(await gateway.core.records.findChildren(jobID)).toHaveLength(400);
});

test('children are counted: those that are made, and those dismissed before they began', async ({
  open,
}) => {
  const { gateway, read, submit } = await open();
  const many = Array.from({ length: 24 }, (_, at): Word => ({ word: `w${at}`, does: 'wait' }));
  const jobID = await submit(many);
  // They have every slot of the queue, so that none is left for the parent to dismiss them from.
  await vi.waitFor(async () => {
    const { children } = (await gateway.core.records.find(jobID)) ?? {};
    expect(children).toMatchObject({ running: 16, accepted: 8 });
  }, patience);

  await read(`/v1/jobs/${jobID}`, { method: 'DELETE' });
  const { undo } = await gateway.ended(jobID, patience.timeout);

  const samples = parseMetrics(await (await fetch(`${gateway.url}/metrics`)).text());
  const count = (name: string, labels: Record<string, string>) =>
    findValue(samples, `pressroom_jobs_${name}_total`, labels);
  expect(undo).toBe('done');
  expect(count('created', { processID: 'parent' })).toBe(1);
  expect(count('created', { processID: 'child' })).toBe(24);
  expect(count('finished', { processID: 'child', status: 'dismissed' })).toBe(24);
});
