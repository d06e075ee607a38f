import { expect, test } from 'vitest';
import { compareItems } from './data-store-comparison.ts';

const egdb = (connectionString: string) => ({
  path: '/enterpriseDatabases/gisdb',
  type: 'egdb',
  info: { connectionString, dataStoreConnectionType: 'shared', isManaged: false },
});
const folder = (path: string) => ({
  path: '/fileShares/roads',
  type: 'folder',
  info: { path, dataStoreConnectionType: 'shared', hostName: null },
});
const written =
  'DBCLIENT=postgresql;SERVER=db1;INSTANCE=sde:postgresql:db1;DB_CONNECTION_PROPERTIES=db1;DATABASE=gis;USER=editor;PASSWORD=x;VERSION=sde.DEFAULT;AUTHENTICATION_MODE=DBMS';

test.for([
  ['in another order and case', written.toLowerCase().split(';').reverse().join(';')],
  [
    'without what repeats the instance',
    written.replace(/DBCLIENT=\w+;SERVER=db1;|DB_CONN\w+=db1;/g, ''),
  ],
  ['without the usual mode', written.replace(';AUTHENTICATION_MODE=DBMS', '')],
  ['with what a file adds', `${written};IS_GEODATABASE=true;CONNPROP-REV=Rev1.0`],
] as const)('a connection is the same %s', ([, held]) => {
  const secretless = held.replace(/;?password=x/i, ';ENCRYPTED_PASSWORD=00022e68');

  expect(compareItems(egdb(written), egdb(secretless))).toEqual({
    differsIn: [],
    isSecretUnseen: true,
  });
});

test.for([
  [written.replace('editor', 'reader'), ['user']],
  [written.replace('sde.DEFAULT', 'sde.QA'), ['version']],
  [written.replace('VERSION=sde.DEFAULT;', ''), ['version']],
  [written.replace('DATABASE=gis', 'DATABASE=gis2'), ['database']],
  [written.replaceAll('db1', 'db2'), ['server', 'instance', 'db_connection_properties']],
  [written.replace('sde:postgresql:db1', 'sde:postgresql:db1,5433'), ['instance']],
  [written.replace('MODE=DBMS', 'MODE=OSA'), ['authentication_mode']],
  [written.replace('PASSWORD=x', 'PASSWORD=y'), ['password']],
] as const)('a connection is another one: %s', ([held, keys]) => {
  expect(compareItems(egdb(written), egdb(held)).differsIn).toEqual(
    keys.map((key) => `info.connectionString/${key}`),
  );
});

test.for([
  ['\\\\files\\gis', '//FILES/gis/', []],
  ['C:\\gis', 'c:/GIS', []],
  ['/data/gis', '/data/gis/', []],
  ['/data/gis', '/data/GIS', ['info.path']],
] as const)('%s and %s', ([one, other, differsIn]) => {
  expect(compareItems(folder(one), folder(other)).differsIn).toEqual(differsIn);
});

test('a secret that is shown encrypted cannot be compared; one in clear can', () => {
  const store = (connectionString: string) => ({
    path: '/cloudStores/imagery',
    type: 'cloudStore',
    provider: 'amazon',
    info: { connectionString, objectStore: 'gis' },
  });
  const wanted = store('{"accessKeyId":"A","secretAccessKey":"one"}');

  expect(compareItems(wanted, store('{crypt}abc='))).toEqual({
    differsIn: [],
    isSecretUnseen: true,
  });
  expect(compareItems(wanted, store('{"accessKeyId":"A","secretAccessKey":"two"}'))).toEqual({
    differsIn: ['info.connectionString/secretaccesskey'],
    isSecretUnseen: false,
  });
  expect(compareItems(wanted, store(''))).toMatchObject({ differsIn: ['info.connectionString'] });
});
