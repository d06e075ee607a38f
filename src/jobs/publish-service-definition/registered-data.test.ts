import { expect, test } from 'vitest';
import { databaseOf } from '../../../test/support/definition-content.ts';
import { readConnectionString } from '../../documents/connection-string.ts';
import type { DataStoreItem } from '../../sites/site-reader.ts';
import { matchReferencedData } from './registered-data.ts';

const egdb = (info: Record<string, string>): DataStoreItem => ({
  path: '/enterpriseDatabases/roads',
  type: 'egdb',
  info,
});
const share = (path: string, clientPath?: string): DataStoreItem => ({
  path: '/fileShares/roads',
  type: 'folder',
  info: { path },
  ...(clientPath !== undefined && { clientPath }),
});
const findUnregistered = (...input: Parameters<typeof matchReferencedData>) =>
  matchReferencedData(...input).filter(({ item }) => item === undefined);
const connected = (text: string) => databaseOf(readConnectionString(text));
const at = (path: string) => databaseOf({ kind: 'path', path });
const sqlServer =
  'SERVER=dbhost;INSTANCE=sde:sqlserver:dbhost;DBCLIENT=sqlserver;DATABASE=roads;USER=reader;VERSION=sde.DEFAULT;AUTHENTICATION_MODE=DBMS';
const encrypted = 'ENCRYPTED_PASSWORD=00022e68;';

test.for([
  ['\\\\files\\share\\roads', '\\\\files\\share\\roads\\roads.gdb'],
  ['//files/share/roads', '\\\\FILES\\Share\\Roads\\a.tif'],
  ['\\\\files\\share\\', '//files/share/deep/er/a.gdb'],
  ['\\\\files\\share', '\\\\files\\share'],
  ['C:\\', 'c:\\data\\roads.gdb'],
  ['/data/gis/', '/data/gis/roads.gdb'],
] as const)('%s registers %s', ([root, path]) => {
  expect(findUnregistered([at(path)], [share(root)])).toEqual([]);
});

test.for([
  ['\\\\files\\share\\roads', '\\\\files\\share\\roads2\\a.gdb'],
  ['\\\\files\\share\\roads', '\\\\other\\share\\roads\\a.gdb'],
  ['\\\\files\\share\\roads', '\\\\files\\share'],
  ['', 'c:\\data\\roads.gdb'],
  ['/data/gis', 'C:\\other\\a.gdb'],
] as const)('"%s" does not register %s', ([root, path]) => {
  expect(findUnregistered([at(path)], [share(root)])).toEqual([
    { connection: path, datasets: ['DBO.ROADS'] },
  ]);
});

test.for([
  ['\\\\files\\gis\\roads', 'Z:\\roads\\a.gdb', 'kind of path (drive letter against UNC path)'],
  ['D:\\gis', '\\\\files\\gis\\a.gdb', 'kind of path (UNC path against drive letter)'],
  ['/mnt/gis', '\\\\files\\gis\\a.gdb', 'kind of path (UNC path against path of Linux)'],
  ['/data/GIS', '/data/gis/a.gdb', 'upper and lower case'],
] as const)('%s is near %s and told apart from it', ([root, path, difference]) => {
  expect(findUnregistered([at(path)], [share(root)])).toMatchObject([
    { nearest: { path: '/fileShares/roads', differsIn: [difference] } },
  ]);
});

test("a share that is replicated is compared by the publisher's path, and read by the site's", () => {
  const items = [share('/srv/roads', 'C:\\publisher\\roads')];

  expect(matchReferencedData([at('c:/publisher/roads/deep/a.gdb')], items)).toEqual([
    {
      connection: 'c:/publisher/roads/deep/a.gdb',
      datasets: ['DBO.ROADS'],
      item: '/fileShares/roads',
      readsFrom: '/srv/roads/deep/a.gdb',
    },
  ]);
  expect(findUnregistered([at('/srv/roads/a.gdb')], items)).toMatchObject([
    { nearest: { path: '/fileShares/roads', differsIn: ["the publisher's side"] } },
  ]);
});

test.for([
  sqlServer,
  `${encrypted}${sqlServer}`,
  sqlServer.toLowerCase(),
  sqlServer.split(';').reverse().join(';'),
  'INSTANCE=sde:sqlserver:dbhost;DATABASE=ROADS;USER=Reader;VERSION=SDE.default',
])('a database is registered under %s', (connectionString) => {
  expect(findUnregistered([connected(sqlServer)], [egdb({ connectionString })])).toEqual([]);
});

test.for([
  sqlServer,
  'INSTANCE=sde:sqlserver:dbhost\\gis;DATABASE=roads;USER=reader',
  'SERVER=dbhost\\gis;INSTANCE=sde:sqlserver:dbhost\\gis;DATABASE=roads',
  'INSTANCE=sde:sqlserver:dbhost,1433;DATABASE=roads',
  'INSTANCE=sde:oracle11g:dbhost:1521/orcl;USER=reader;VERSION=SDE.DEFAULT',
  'INSTANCE=sde:oracle11g:gistns;USER=reader',
  'INSTANCE=sde:postgresql:dbhost,5433;DBCLIENT=postgresql;DATABASE=roads;USER=reader',
  'DBCLIENT=oracle;DB_CONNECTION_PROPERTIES=dbhost/orcl;USER=reader',
])('one and the same connection is registered: %s', (text) => {
  expect(
    findUnregistered([connected(text)], [egdb({ connectionString: `${encrypted}${text}` })]),
  ).toEqual([]);
});

test("a replicated database is compared by the publisher's side, and read by the site's", () => {
  const info = {
    clientConnectionString: sqlServer,
    connectionString: sqlServer.replaceAll('dbhost', 'inside'),
  };
  expect(matchReferencedData([connected(sqlServer)], [egdb(info)])).toMatchObject([
    {
      item: '/enterpriseDatabases/roads',
      readsFrom: 'sqlserver inside/roads as reader version sde.DEFAULT',
    },
  ]);
  expect(findUnregistered([connected(info.connectionString)], [egdb(info)])).toMatchObject([
    { nearest: { differsIn: ["the publisher's side"] } },
  ]);
});

test('another user or version is told as the nearest; another machine or database is not near', () => {
  const items = [
    egdb({
      connectionString: sqlServer.replace('dbhost;DB', 'other;DB').replaceAll('dbhost', 'other'),
    }),
    {
      ...egdb({ connectionString: sqlServer.replace('reader', 'writer') }),
      path: '/enterpriseDatabases/near',
    },
    egdb({
      connectionString: sqlServer.replace('reader', 'writer').replace('sde.DEFAULT', 'sde.QA'),
    }),
  ];
  expect(findUnregistered([connected(sqlServer)], items)).toEqual([
    {
      connection: expect.stringMatching(/dbhost\/roads as reader version sde\.DEFAULT/),
      datasets: ['DBO.ROADS'],
      nearest: { path: '/enterpriseDatabases/near', differsIn: ['user'] },
    },
  ]);
  const [elsewhere] = findUnregistered(
    [connected(sqlServer.replace('DATABASE=roads', 'DATABASE=parcels'))],
    items,
  );
  expect(elsewhere).not.toHaveProperty('nearest');
});

test('a machine with and without its domain is near, an address never', () => {
  const items = (host: string) => [
    egdb({ connectionString: sqlServer.replaceAll('dbhost', host) }),
  ];

  expect(findUnregistered([connected(sqlServer)], items('dbhost.example.org'))).toMatchObject([
    { nearest: { path: '/enterpriseDatabases/roads', differsIn: ['host'] } },
  ]);
  const [elsewhere] = findUnregistered(
    [connected(sqlServer.replaceAll('dbhost', '10.0.0.1'))],
    items('10.0.0.2'),
  );
  expect(elsewhere).not.toHaveProperty('nearest');
});

test('copied data need no registration; a folder registers no database', () => {
  const copied = { ...connected(sqlServer), isCopied: true };
  expect(findUnregistered([copied], [])).toEqual([]);
  expect(findUnregistered([connected(sqlServer)], [share('dbhost')])).toHaveLength(1);
  expect(findUnregistered([connected(sqlServer)], [egdb({})])).toHaveLength(1);
});

test('no password is told', () => {
  const found = findUnregistered([connected(`PASSWORD=hunter2;${encrypted}${sqlServer}`)], []);
  expect(found).toHaveLength(1);
  expect(JSON.stringify(found)).not.toMatch(/hunter2|00022e/);
});
