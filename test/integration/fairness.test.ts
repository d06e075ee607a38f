import { createHash } from 'node:crypto';
import { expect, vi } from 'vitest';
import { createFamily } from '../support/family.ts';
import type { Gateway } from '../support/gateway.ts';
import { test as base } from '../support/publishing-test.ts';

type Answer = Record<string, unknown> & { jobID: string };
type Word = { word: string; service?: string; does?: 'wait' };

const patience = { timeout: 20_000 };
const hash = (key: string) => createHash('sha256').update(key).digest('hex');
const keyOf = (id: string, more: string[] = []) => ({
  id,
  sha256: hash(id),
  scopes: ['publish:create', ...more],
});

/** A gateway with two callers and one slot, whose worker has not begun yet. */
const test = base.extend<{ house: House }>({
  house: async ({ openSite, open }, use) => {
    const family = createFamily();
    const site = await openSite();
    const gateway = await open(site, {
      site: { slots: 1 },
      hasWorker: false,
      jobTypes: family.jobTypes,
      settings: { apiKeys: [keyOf('one'), keyOf('two', ['jobs:prioritize'])] },
    });
    await gateway.core.queues.limitTo('site-demo', 1);
    const ask = async (caller: string, path: string, method = 'GET', body?: unknown) => {
      const response = await fetch(gateway.url + path, {
        method,
        headers: { 'x-api-key': caller, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return (await response.json()) as Answer;
    };
    const submit = async (caller: string, ...words: Word[]) => {
      const ids: string[] = [];
      for (const word of words) {
        const inputs = { site: 'demo', ...word };
        const answer = await ask(caller, '/v1/processes/site-child/execution', 'POST', { inputs });
        ids.push(answer.jobID);
      }
      return ids;
    };
    const closing: (() => Promise<void>)[] = [];
    const work = async () => {
      const { close } = await gateway.openWorker();
      closing.push(close);
    };
    await use({ gateway, family, ask, submit, work });
    for (const close of closing) await close();
  },
});

type House = {
  gateway: Gateway;
  family: ReturnType<typeof createFamily>;
  ask: (caller: string, path: string, method?: string, body?: unknown) => Promise<Answer>;
  submit: (caller: string, ...words: Word[]) => Promise<string[]>;
  work: () => Promise<void>;
};

const words = (...names: string[]): Word[] => names.map((word) => ({ word }));

test('many jobs of one caller do not keep another one waiting', async ({ house }) => {
  const { gateway, family, ask, submit, work } = house;
  const mine = await submit('one', ...words('a', 'b', 'c', 'd'));
  const [theirs = ''] = await submit('two', ...words('x'));
  expect(await ask('two', `/v1/jobs/${theirs}`)).toMatchObject({
    priority: 1,
    waitingFor: { reason: 'slot', place: 2 },
  });
  await work();
  for (const jobID of [...mine, theirs]) await gateway.ended(jobID);
  expect(family.begun).toEqual(['a', 'x', 'b', 'c', 'd']);
});

test('no priority overtakes on one service: who is waited for goes as early', async ({ house }) => {
  const { gateway, family, submit, work } = house;
  const mine = await submit('one', ...words('a', 'b', 'c'), { word: 'd', service: 'roads' });
  const theirs = await submit('two', { word: 'x', service: 'roads' });
  await work();
  for (const jobID of [...mine, ...theirs]) await gateway.ended(jobID);
  expect(family.begun.filter((word) => 'dx'.includes(word))).toEqual(['d', 'x']);
  expect(family.begun.indexOf('d')).toBeLessThan(family.begun.indexOf('c'));
});

test('a priority is changed by those who may, while the job waits', async ({ house }) => {
  const { gateway, family, ask, submit, work } = house;
  const ids = await submit('two', ...words('a', 'b', 'c'));
  const last = `/v1/jobs/${ids[2]}`;
  expect(await ask('one', last, 'PATCH', { priority: 1 })).toMatchObject({
    code: 'insufficient_scope',
  });
  expect(await ask('two', last, 'PATCH', { priority: 0 })).toMatchObject({
    code: 'validation_error',
    errors: [expect.objectContaining({ pointer: '#/priority' })],
  });
  expect(await ask('two', last, 'PATCH', { priority: 1 })).toMatchObject({ priority: 1 });
  const [foreign] = await submit('one', ...words('z'));
  expect(await ask('two', `/v1/jobs/${foreign}`, 'PATCH', { priority: 1 })).toMatchObject({
    code: 'no_such_job',
  });
  await work();
  for (const jobID of [...ids, foreign ?? '']) await gateway.ended(jobID);
  expect(family.begun.indexOf('c')).toBeLessThan(family.begun.indexOf('b'));
  expect(await ask('two', last, 'PATCH', { priority: 1 })).toMatchObject({ code: 'conflict' });
});

test('a waiting job says how long, by what such jobs took there before', async ({ house }) => {
  const { gateway, family, ask, submit, work } = house;
  const key = gateway.core.records.keys.durations('site-child', 'site-demo');
  await gateway.redis.rpush(key, 4_000, 10_000, 6_000); // as three jobs left them
  const [holder = '', second = '', third = ''] = await submit(
    'one',
    { word: 'a', service: 'roads', does: 'wait' },
    ...words('b', 'c'),
  );
  const waitOf = async (jobID: string) => (await ask('one', `/v1/jobs/${jobID}`)).waitingFor;
  expect(await waitOf(third)).toEqual({ reason: 'slot', place: 3, estimatedSeconds: 18 });

  await work();
  await vi.waitFor(() => expect(family.isWaiting('a')).toBe(true), patience);
  expect(await waitOf(holder)).toBeUndefined();
  expect(await waitOf(second)).toEqual({ reason: 'slot', place: 1, estimatedSeconds: 6 });
  family.letGo('a');
  await gateway.ended(third);
  expect(await gateway.redis.llen(key)).toBe(6);
});
