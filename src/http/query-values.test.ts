import { expect, test } from 'vitest';
import { Limit, oneOf, parseInterval, toValues } from './query-values.ts';

const ms = Date.parse;

test.each([
  [
    '2026-01-05T10:00:00Z',
    { fromMs: ms('2026-01-05T10:00:00Z'), toMs: ms('2026-01-05T10:00:00.999Z') },
  ],
  ['2026-01-05T10:00:00.5Z/..', { fromMs: ms('2026-01-05T10:00:00.5Z') }],
  ['../2026-01-05T12:00:00.000+02:00', { toMs: ms('2026-01-05T10:00:00Z') }],
  ['/2026-01-05T10:00:00.000Z', { toMs: ms('2026-01-05T10:00:00Z') }],
])('reads the interval %s', (text, expected) => {
  expect(parseInterval(text)).toEqual(expected);
});

test.each([
  '',
  '..',
  '../..',
  '/',
  '2026-01-05',
  '2026-13-05T10:00:00Z',
  '2026-02-30T10:00:00Z',
  '2026-02-03T10:00Z',
  'a/b',
  '../2026-01-05T10:00:00Z/..',
])('refuses the interval %j', (text) => {
  expect(() => parseInterval(text)).toThrow('datetime');
});

test('takes lists with commas, repeated, or both', () => {
  expect(toValues('a, b')).toEqual(['a', 'b']);
  expect(toValues(['a', 'b,c'])).toEqual(['a', 'b', 'c']);
  expect(toValues(undefined)).toBeUndefined();
  expect(() => oneOf('status', ['a', 'x'], ['a', 'b'])).toThrow('status');
});

test.each(['0', '-1', '', 'x', ' 5', '0x10', '1e2', '1.5', ['1', '2']])(
  'refuses the limit %j',
  (text) => {
    expect(Limit.safeParse(text).success).toBe(false);
  },
);

test('takes any limit, however large, and none', () => {
  expect(Limit.parse('7')).toBe(7);
  expect(Limit.parse(undefined)).toBe(10);
  expect(Limit.parse('9'.repeat(30))).toBeGreaterThan(1_000);
});
