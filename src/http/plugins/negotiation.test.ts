import { expect, test } from 'vitest';
import { acceptsAny, namesType } from './negotiation.ts';

test.each([
  [undefined, true],
  ['', true],
  ['*/*', true],
  ['application/*;q=0.5', true],
  ['text/html, Application/JSON; q=0.9', true],
  [', ,', true],
  ['application/json, */*;q=0', true],
  ['application/json;q=0, */*', false],
  ['text/html', false],
  ['application/json;q=0', false],
  ['application/json;q=0.000, text/*', false],
])('JSON for %j: %s', (accept, expected) => {
  expect(acceptsAny(accept, ['application/json'])).toBe(expected);
});

test('a pattern does not name a type', () => {
  expect(namesType('application/*, */*', 'application/json')).toBe(false);
  expect(namesType('text/html, application/json;q=0.5', 'application/json')).toBe(true);
});
