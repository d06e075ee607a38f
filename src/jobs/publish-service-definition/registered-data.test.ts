import { expect, test } from 'vitest';
import { databaseOf } from '../../../test/support/definition-content.ts';
import { readConnectionString } from '../../documents/connection-string.ts';
import type { DataStoreItem } from '../../sites/site-reader.ts';
import { findUnregistered } from './registered-data.ts';

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
] as const)('"%s" does not register %s', ([root, path]) => {
  expect(findUnregistered([at(path)], [share(root)])).toEqual([
    { connection: path, datasets: ['DBO.ROADS'] },
  ]);
});

test("a share that is replicated is compared by the publisher's path", () => {
  const items = [share('/srv/roads', 'C:\\publisher\\roads')];
  expect(findUnregistered([at('c:/publisher/roads/a.gdb')], items)).toEqual([]);
  expect(findUnregistered([at('/srv/roads/a.gdb')], items)).toHaveLength(1);
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

test('a replicated database is compared by the client side only', () => {
  const info = {
    clientConnectionString: sqlServer,
    connectionString: sqlServer.replaceAll('dbhost', 'inside'),
  };
  expect(findUnregistered([connected(sqlServer)], [egdb(info)])).toEqual([]);
  expect(findUnregistered([connected(info.connectionString)], [egdb(info)])).toHaveLength(1);
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
