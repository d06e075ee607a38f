import { expect, test } from 'vitest';
import { parsePrefer } from './prefer.ts';

test.each([
  [undefined, { isAsync: false }],
  ['respond-async ', { isAsync: true }],
  ['Respond-Async; foo=bar, WAIT=5', { isAsync: true, waitSeconds: 5 }],
  ['wait="7"', { isAsync: false, waitSeconds: 7 }],
  ['wait=10, wait=20', { isAsync: false, waitSeconds: 10 }],
  ['wait=100000', { isAsync: false, waitSeconds: 60 }],
  ['wait=-1, wait, handling=strict, ,', { isAsync: false }],
])('reads %j', (header, expected) => {
  expect(parsePrefer(header)).toEqual(expected);
});
