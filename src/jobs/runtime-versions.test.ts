import { expect, test } from 'vitest';
import { findMismatch, findNewerDocument, toProVersion } from './runtime-versions.ts';

test.each([
  ['3.3', [3, 3]],
  ['3.3.1', [3, 3]],
  ['11.1', [3, 1]],
  ['12.0', [3, 6]],
  ['10.9.1', [2, 9]],
  ['10.8', [2, 5]],
  ['10.7', undefined],
  ['', undefined],
  ['N/A', undefined],
])('%s of the server or of Pro is %s of Pro', (version, pro) => {
  expect(toProVersion(version)).toEqual(pro);
});

test('a version that is not told says nothing about a document, nor about a site', () => {
  expect(findNewerDocument('3.6.0', '')).toBeUndefined();
  expect(findNewerDocument(undefined, '3.3')).toBeUndefined();
  const probe = { product: 'pro' as const, version: '', packages: {} };
  expect(findMismatch(probe, '11.3')).toBeUndefined();
});

test.each([
  [{ 'arcgis-server-py3': '11.1.0' }, '11.1', undefined],
  [{ 'arcgis-server-py3': '11.1.0' }, '11.2', /arcgis-server-py3 11\.1\.0 has to be/],
  [{ 'arcgis-server-10.6-py3': '10.6' }, '11.1', /arcgis-server-10\.6-py3 10\.6 has to be/],
  [{ 'arcpy-server': '10.9.1' }, '11.1', /arcpy-server 10\.9\.1 has to be/],
])('of the packages %j the version has to be that of the site %s', (packages, site, words) => {
  const found = findMismatch({ product: 'server', version: '11.1', packages }, site);
  if (words) expect(found).toMatch(words);
  else expect(found).toBeUndefined();
});
