import { expect, test } from 'vitest';
import { fingerprintOf, parseIdempotencyKey } from './idempotency-key.ts';

test('takes a key quoted or bare', () => {
  const key = '8e03978e-40d5-43e8-bc93-6894a57f9324';
  expect(parseIdempotencyKey(`"${key}"`)).toBe(key);
  expect(parseIdempotencyKey(key)).toBe(key);
  expect(parseIdempotencyKey(undefined)).toBeUndefined();
});

test.each([
  '',
  'x'.repeat(15),
  'x'.repeat(256),
  '"x'.padEnd(20, 'x'),
  'äöü'.padEnd(20, 'x'),
  'a, b'.padEnd(20, 'x'),
])('refuses %j', (key) => {
  expect(() => parseIdempotencyKey(key)).toThrow('cannot be used');
});

test('knows the same content in another order, and another content', () => {
  const one = fingerprintOf('POST /a', { a: 1, b: [{ c: 1, d: 2 }] });
  expect(fingerprintOf('POST /a', { b: [{ d: 2, c: 1 }], a: 1 })).toBe(one);
  expect(fingerprintOf('POST /a', { a: 1, b: [{ c: 2, d: 1 }] })).not.toBe(one);
  expect(fingerprintOf('POST /b', { a: 1, b: [{ c: 1, d: 2 }] })).not.toBe(one);
});
