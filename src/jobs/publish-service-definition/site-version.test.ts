import { expect, test } from 'vitest';
import { isAtLeast, parseVersion } from './site-version.ts';

test.for([
  ['10.9.1', { major: 10, minor: 9 }],
  ['10.91', { major: 10, minor: 9 }],
  ['10.81', { major: 10, minor: 8 }],
  ['10.8', { major: 10, minor: 8 }],
  ['10', { major: 10, minor: 0 }],
  ['11', { major: 11, minor: 0 }],
  ['11.3', { major: 11, minor: 3 }],
  ['11.3.0', { major: 11, minor: 3 }],
  ['12.10', { major: 12, minor: 10 }],
  ['', undefined],
  ['unknown', undefined],
] as const)('"%s" is %j', ([text, version]) => {
  expect(parseVersion(text)).toEqual(version);
});

test('versions are compared by number; one that cannot be read is at least nothing', () => {
  expect([isAtLeast('10.9.1', 10, 9), isAtLeast('11.0', 10, 9), isAtLeast('11.10', 11, 9)]).toEqual(
    [true, true, true],
  );
  expect([isAtLeast('10.81', 10, 9), isAtLeast('10.9.1', 11, 0), isAtLeast('?', 1, 0)]).toEqual([
    false,
    false,
    false,
  ]);
});
