import { expect, test } from 'vitest';
import { Lifecycle } from './lifecycle.ts';
import { createLog } from './log.ts';

function createLines() {
  const lines: string[] = [];
  return { lines, log: createLog({ destination: { write: (line) => void lines.push(line) } }) };
}

test('what was opened is closed last first, each before the next', async () => {
  const { log } = createLines();
  const lifecycle = new Lifecycle(log);
  const closed: string[] = [];
  const slowly = async (name: string) => {
    await new Promise((resolve) => setImmediate(resolve));
    closed.push(name);
  };
  expect(lifecycle.opened('redis', 'redis', slowly)).toBe('redis');
  lifecycle.opened('queue', 'queue', (name) => closed.push(name));
  lifecycle.opened('app', 'app', slowly);
  await lifecycle.close();
  expect(closed).toEqual(['app', 'queue', 'redis']);
});

test('a part that will not close does not keep the others open, and is told', async () => {
  const { lines, log } = createLines();
  const lifecycle = new Lifecycle(log);
  const closed: string[] = [];
  lifecycle.opened('first', 'first', (name) => closed.push(name));
  lifecycle.opened('stuck', 'stuck', () => Promise.reject(new Error('password=hunter2')));
  lifecycle.opened('broken', 'broken', () => {
    throw new Error('broken');
  });
  await lifecycle.close();
  expect(closed).toEqual(['first']);
  expect(lines.map((line) => (JSON.parse(line) as { part: string }).part)).toEqual([
    'broken',
    'stuck',
  ]);
  expect(lines.join()).not.toContain('hunter2');
});

test('closing twice closes once', async () => {
  const { log } = createLines();
  const lifecycle = new Lifecycle(log);
  const closed: string[] = [];
  lifecycle.opened('only', 'only', (name) => closed.push(name));
  await Promise.all([lifecycle.close(), lifecycle.close()]);
  await lifecycle.close();
  expect(closed).toEqual(['only']);
});
