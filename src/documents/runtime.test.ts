import { expect, test } from 'vitest';
import { readManifest } from './manifest.ts';
import { decideRuntime } from './runtime.ts';

type Facts = { provider?: string; names?: string[]; proVersion?: string; manifest?: string };

function decide({ provider, names = [], proVersion, manifest = '' }: Facts, schema = '10.1') {
  const namespace = `http://www.esri.com/schemas/ArcGIS/${schema}`;
  const xml = `<SVCManifest xmlns:typens='${namespace}'>${manifest}</SVCManifest>`;
  const versionFolder = names[0]?.split('/')[0];
  return decideRuntime({
    ...{ provider, proVersion, versionFolder, memberNames: names, packageVersion: undefined },
    manifest: readManifest(Buffer.from(xml), names),
  });
}

test.each<[string, Facts, string]>([
  ['the provider of ArcMap', { provider: 'ArcObjects', names: ['v101/a.msd'] }, 'ArcMap'],
  ['the provider of Pro', { provider: 'ArcObjects11', names: ['v101/a.mxd'] }, 'ArcGIS Pro'],
  ['shared instances', { provider: 'DMaps' }, 'ArcGIS Pro'],
  ['an .mxd', { names: ['v101/a.msd', 'v101/a.mxd'] }, 'ArcMap'],
  ['a result of ArcMap', { names: ['v101/a.rlt'] }, 'ArcMap'],
  ['an .mxd that is data of a tool', { names: ['v101/scripts/a.mxd'] }, 'unknown'],
  ['a map file', { names: ['v101/a.mapx'] }, 'ArcGIS Pro'],
  ['a folder of Pro', { names: ['p30/a.msd'] }, 'ArcGIS Pro'],
  ['a map document saved by Pro', { names: ['v101/a.msd'], proVersion: '1.4.0' }, 'ArcGIS Pro'],
  ['an element of Pro', { manifest: '<TemplateSettings></TemplateSettings>' }, 'ArcGIS Pro'],
  [
    'a staging folder of ArcMap',
    { manifest: '<OnPremisePath>C:\\a\\Desktop10.4\\Staging</OnPremisePath>' },
    'ArcMap',
  ],
  ['schema 10.1 alone', { names: ['v101/a.msd'] }, 'unknown'],
  ['marks of both', { names: ['v101/a.mxd', 'v101/a.mapx'] }, 'unknown'],
])('decides by %s', (_, facts, runtime) => {
  expect(decide(facts)).toBe(runtime);
});

test('only Pro writes newer schemas', () => {
  expect(decide({}, '3.0.0')).toBe('ArcGIS Pro');
});
