import { expect, test } from 'vitest';
import { holdsSecret, readConnectionString } from './connection-string.ts';

test.each([
  ['DATABASE=C:\\data\\a.gdb', 'C:\\data\\a.gdb'],
  ['database=.\\a.gdb', '.\\a.gdb'],
  [
    'URL=https://host/arcgis/rest/services/a/FeatureServer',
    'https://host/arcgis/rest/services/a/FeatureServer',
  ],
  ['C:\\tins', 'C:\\tins'],
  ['DATABASE=C:/data/me@home/a.gdb', 'C:/data/me@home/a.gdb'],
  ['', ''],
])('reads %j as a path', (text, path) => {
  expect(readConnectionString(text)).toEqual({ kind: 'path', path });
});

test.each([
  [
    'SERVER=db1;INSTANCE=sde:sqlserver:db1\\gis,1433;DBCLIENT=sqlserver;DATABASE=roads;AUTHENTICATION_MODE=OSA',
    { platform: 'sqlserver', host: 'db1', database: 'roads', authentication: 'OSA' },
  ],
  ['INSTANCE=sde:postgresql:db2,5433;DATABASE=a;USER=b', { platform: 'postgresql', host: 'db2' }],
  ['PROJECT_INSTANCE=sde:oracle11g:orcl;USER=sde', { platform: 'oracle11g', user: 'sde' }],
  ['INSTANCE=sde:oracle:db3:1521/orcl', { platform: 'oracle', host: 'db3' }],
])('reads %j as a database', (text, facts) => {
  expect(readConnectionString(text)).toMatchObject({ kind: 'database', ...facts });
});

test('names no host where a service stands in its place', () => {
  expect(readConnectionString('INSTANCE=sde:oracle11g:orcl')).not.toHaveProperty('host');
});

test.each([
  'PASSWORD=canary4711;SERVER=a;USER=b',
  'ENCRYPTED_PASSWORD_UTF8=canary4711;SERVER=a',
  'SERVER=a;encrypted_password = canary4711',
  'INSTANCE=sde:oracle11g:scott/canary4711@orcl;SERVER=a',
  'URL=https://me:canary4711@host/FeatureServer',
  'DATABASE=x;PWD=canary4711',
])('shows no password of %j', (text) => {
  expect(JSON.stringify(readConnectionString(text))).not.toContain('canary4711');
});

test.each([
  ['PASSWORD=x', true],
  ['ENCRYPTED_PASSWORD_UTF8=00022e68', true],
  ['00022e6843aabb2a00', true],
  ['{crypt}abc', true],
  ['{"adminPassword":"x"}', true],
  ['PASSWORD=;USER=a', false],
  ['DATABASE=passwords.gdb', false],
  ['The password is not here', false],
])('holdsSecret(%j) is %s', (text, is) => {
  expect(holdsSecret(text)).toBe(is);
});

test('takes linear time over hostile texts', () => {
  const started = performance.now();
  for (const text of ['PASSWORD', 'PASSWORD ', 'A', '"password', 'PWD ']) {
    expect(holdsSecret(text.repeat(500_000))).toBe(false);
  }
  readConnectionString(`SERVER=${'a/'.repeat(500_000)}`);
  expect(performance.now() - started).toBeLessThan(10_000);
});
