import { expect, test } from 'vitest';
import { findStagingDoubts } from './staging-version.ts';

const target = undefined;

test.each([
  ['MapServer', 102, undefined],
  ['MapServer', undefined, '10.9.1'],
  ['ImageServer', 5, undefined],
  ['GeocodeServer', undefined, undefined],
  ['GPServer', 209, '10.9.1'],
  ['GPServer', undefined, '11.3'],
  ['GPServer', 300, '11.3'],
] as const)('nothing is said of %s staged as %s for %s', (kind, stagingVersion, site) => {
  expect(findStagingDoubts(kind, { stagingVersion, target }, site)).toEqual([]);
});

test.each([
  ['MapServer', 5, undefined, /5 is not what is documented .*: 102\./],
  ['ImageServer', 209, undefined, /209 is not what is documented .*5 \(imagery layers\)/],
  ['GPServer', 209, '11.3', /209 most likely is that of a site of 10\.9/],
  ['GPServer', undefined, '10.9.1', /Most likely \(not documented .*209 for 10\.9\.1/],
] as const)('%s staged as %s for %s is doubted', (kind, stagingVersion, site, words) => {
  expect(findStagingDoubts(kind, { stagingVersion, target }, site)).toEqual([
    expect.stringMatching(words),
  ]);
});

test('the target that was asked for counts more than the site', () => {
  const wish = { stagingVersion: undefined, target: 'ENTERPRISE_10x' as const };
  expect(findStagingDoubts('GPServer', wish, '11.3')).toHaveLength(1);
  expect(findStagingDoubts('GPServer', { ...wish, target: 'ENTERPRISE_11' }, '10.9')).toEqual([]);
});
