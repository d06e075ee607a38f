import { expect, test } from 'vitest';
import { findBestLook, LookPace } from './look-pace.ts';

/** When a site job is looked at that is submitted at 0 and ends then; each look takes 10 ms. */
function looksUntil(endsMs: number, forecastMs?: number): number[] {
  const pace = new LookPace({ pollMinMs: 500, pollMaxMs: 10_000 }, forecastMs);
  const looks: number[] = [];
  for (let nowMs = 0; ; nowMs += 10) {
    nowMs += pace.next(nowMs);
    looks.push(Math.round(nowMs));
    if (nowMs >= endsMs) return looks;
  }
}

function gaps(looks: number[]): number[] {
  return looks.map((look, at) => look - (looks[at - 1] ?? 0));
}

test('without a forecast it looks twice a second for five seconds, then ever more rarely', () => {
  const found = gaps(looksUntil(300_000));
  expect(found.slice(0, 4)).toEqual([500, 510, 510, 510]);
  expect(found.slice(10, 13)).toEqual([660, 855, 1_109]);
  expect(found.at(-1)).toBe(10_010);
});

test.each([
  ['at its first look', 980, [980]],
  ['at its second look', 1_240, [500, 1_240]],
  ['before there may be a look', 200, [500]],
  ['while looks are rare', 60_000, [60_000]],
])('looks right at the forecast: %s', (_when, forecastMs, expected) => {
  const looks = looksUntil(forecastMs, forecastMs);
  expect(looks.slice(-expected.length)).toEqual(expected);
});

test('what lasts longer than forecast is looked at twice a second again, for a while', () => {
  const looks = looksUntil(90_000, 60_000);
  const past = gaps(looks.filter((look) => look >= 60_000)).slice(1);
  expect(past.slice(0, 9)).toEqual(Array.from({ length: 9 }, () => 510));
  expect(past[12]).toBeGreaterThan(660);
});

test.each([100, 499, 501, 750, 999, 1_001, 4_990, 5_400, 7_777, 33_333])(
  'two looks are never closer than allowed, nor farther apart: forecast %i',
  (forecastMs) => {
    for (const gap of gaps(looksUntil(120_000, forecastMs))) {
      expect(gap).toBeGreaterThanOrEqual(500);
      expect(gap).toBeLessThanOrEqual(10_510);
    }
  },
);

test.each([
  ['nothing', [], undefined],
  ['one', [1_390], 1_390],
  ['nearly the same each time', [1_020, 1_050, 1_010, 1_040, 1_030], 1_050],
  ['one that was slow once', [1_020, 1_400, 1_010, 1_040, 1_030], 1_040],
  ['many short and one long', [1_010, 60_000, 1_000, 1_020], 1_020],
  ['exactly a pause apart', [1_000, 1_500], 1_000],
])('looks when it would have been best: %s', (_past, pastMs, expected) => {
  expect(findBestLook(pastMs, 500)).toBe(expected);
});
