import { expect, test } from 'vitest';
import { databaseOf, definitionContent } from '../../../test/support/definition-content.ts';
import { compareDataSources } from './data-sources.ts';
import { compareLayers, compareSettings } from './service-difference.ts';
import { planTileCache } from './tile-cache.ts';

test('a number and its text are equal, and what only the site has is left out', () => {
  const planned = { maxUsageTime: '600', description: '', properties: { maxRecordCount: '2000' } };
  const live = {
    maxUsageTime: 600,
    loadBalancing: 'ROUND_ROBIN',
    properties: { maxRecordCount: 2000, minScale: '1' },
  };
  expect(compareSettings(planned, live).settings).toEqual([]);
});

test('where a site puts its files is no difference', () => {
  const planned = { properties: { filePath: '', cacheDir: 'C:\\cache', maxRecordCount: '1' } };
  const live = { properties: { filePath: '/srv/roads.msd', cacheDir: '/srv/cache' } };
  expect(compareSettings(planned, live).settings).toEqual([
    { key: 'properties.maxRecordCount', from: null, to: '1' },
  ]);
});

test('passwords in settings are masked', () => {
  const planned = { properties: { source: 'SERVER=a;PASSWORD=secret1' } };
  const live = { properties: { source: 'SERVER=a;PASSWORD=secret2' } };
  const text = JSON.stringify(compareSettings(planned, live));
  expect(text).toContain('properties.source');
  expect(text).not.toMatch(/secret\d/);
});

test('an extension that is off on both sides is none', () => {
  const planned = { extensions: [{ typeName: 'KmlServer', enabled: 'false' }] };
  expect(compareSettings(planned, {}).extensions).toEqual([]);
  const on = (capabilities: string) => ({
    extensions: [{ typeName: 'KmlServer', enabled: 'true', capabilities, properties: {} }],
  });
  expect(compareSettings(on('A'), on('B')).extensions).toEqual([
    {
      typeName: 'KmlServer',
      change: 'changed',
      settings: [{ key: 'capabilities', from: 'B', to: 'A' }],
    },
  ]);
});

test('names that occur twice are not said to be renumbered', () => {
  const twice = [
    { id: 0, name: 'Roads' },
    { id: 1, name: 'Roads' },
  ];
  expect(compareLayers(twice, twice)).toEqual({
    added: [],
    removed: [],
    renamed: [],
    renumbered: [],
  });
});

test('data sources are compared by what the publisher sees, without passwords', () => {
  const text = 'SERVER=db1;INSTANCE=sde:sqlserver:db1;DATABASE=gis;USER=viewer;PASSWORD=secret';
  const manifest = {
    databases: [
      {
        byReference: true,
        onServerConnectionString: text,
        onPremiseConnectionString: text,
        datasets: [{ onServerName: 'gis.dbo.ROADS' }],
      },
    ],
  };
  const connection = { kind: 'database' as const, host: 'db2', database: 'gis', user: 'viewer' };
  const definition = definitionContent({ databases: [databaseOf(connection)] });
  const found = compareDataSources(definition, manifest);
  expect(found?.added).toEqual(['DBO.ROADS in db2/gis as viewer']);
  expect(found?.removed).toHaveLength(1);
  expect(JSON.stringify(found)).not.toContain('secret');
  expect(compareDataSources(definition, undefined)).toBeNull();
});

test.for([
  ['none', {}, { isCached: 'true' }, true],
  ['no-longer-used', { isCached: 'true' }, { isCached: 'false' }, true],
  ['asked-to-keep', { isCached: 'true' }, { isCached: true }, true],
  ['may-be-lost', { isCached: 'true' }, { isCached: 'true' }, undefined],
] as const)('tiles: %s', ([effect, live, planned, keepsMapCache]) => {
  const plan = planTileCache({ properties: planned }, { properties: live }, keepsMapCache);
  expect(plan?.effect).toBe(effect);
});
