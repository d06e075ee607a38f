import { expect, test } from 'vitest';
import { matchesPattern } from './text-pattern.ts';

test.for([
  ['Transport/*', 'transport/Roads.MapServer', true],
  ['*.ImageServer', 'Ortho.ImageServer', true],
  ['*road*map*', 'Transport/Roads.MapServer', true],
  ['Roads', 'roads', true],
  ['Roads', 'Roads2', false],
  ['a*a', 'a', false],
  ['*', '', true],
  ['*.*', 'roads', false],
] as const)('%s and %s: %s', ([pattern, text, isSo]) => {
  expect(matchesPattern(pattern, text)).toBe(isSo);
});

test('many stars take no time', () => {
  expect(matchesPattern(`${'a*'.repeat(60)}b`, 'a'.repeat(5_000))).toBe(false);
});
