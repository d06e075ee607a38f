import { expect, test } from 'vitest';
import { findJsonFault } from './request-bodies.ts';

const nested = (levels: number) =>
  Buffer.from('[{"a":'.repeat(levels / 2) + '}]'.repeat(levels / 2));

test('takes JSON that is nested as deep as requests may be, and no deeper', () => {
  expect(findJsonFault(nested(64))).toBeUndefined();
  expect(findJsonFault(nested(66))).toMatch('nested deeper than 64');
});

test('does not count brackets in texts', () => {
  const text = JSON.stringify(['"[{'.repeat(100), '\\"[{'.repeat(100), '\\']);
  expect(findJsonFault(Buffer.from(text))).toBeUndefined();
});

test('refuses what is not UTF-8', () => {
  expect(findJsonFault(Buffer.from('{"a":"ü"}'))).toBeUndefined();
  expect(findJsonFault(Buffer.from('{"a":"ü"}', 'latin1'))).toMatch('UTF-8');
});
