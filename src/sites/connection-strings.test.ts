import { expect, test } from 'vitest';
import {
  buildConnectionString,
  type DatabaseConnection,
  readConnectionFacts,
  withPassword,
} from './connection-strings.ts';

const dbms = { user: 'editor', password: 'secret', authentication: 'dbms' } as const;
const login = 'USER=editor;PASSWORD=secret;AUTHENTICATION_MODE=DBMS';

test.for<[string, DatabaseConnection, string]>([
  [
    'PostgreSQL',
    { platform: 'postgresql', host: 'db1', port: 5433, database: 'gis', ...dbms },
    `DBCLIENT=postgresql;SERVER=db1;INSTANCE=sde:postgresql:db1,5433;DB_CONNECTION_PROPERTIES=db1,5433;DATABASE=gis;${login}`,
  ],
  [
    'SQL Server with a named instance',
    { platform: 'sqlserver', host: 'db1', instance: 'GIS', port: 1433, database: 'gis', ...dbms },
    `DBCLIENT=sqlserver;SERVER=db1;INSTANCE=sde:sqlserver:db1\\GIS,1433;DB_CONNECTION_PROPERTIES=db1\\GIS,1433;DATABASE=gis;${login}`,
  ],
  [
    'SQL Server with the login of the operating system',
    {
      platform: 'sqlserver',
      host: 'db1',
      database: 'gis',
      authentication: 'os',
      version: 'dbo.DEFAULT',
    },
    'DBCLIENT=sqlserver;SERVER=db1;INSTANCE=sde:sqlserver:db1;DB_CONNECTION_PROPERTIES=db1;DATABASE=gis;VERSION=dbo.DEFAULT;AUTHENTICATION_MODE=OSA',
  ],
  [
    'Oracle',
    { platform: 'oracle', host: 'db1', instance: 'orcl', ...dbms },
    `DBCLIENT=oracle;SERVER=db1;INSTANCE=sde:oracle$db1:1521/orcl;DB_CONNECTION_PROPERTIES=db1:1521/orcl;${login}`,
  ],
  [
    'Oracle by a net service name',
    { platform: 'oracle', instance: 'gistns', ...dbms },
    `DBCLIENT=oracle;INSTANCE=sde:oracle$gistns;DB_CONNECTION_PROPERTIES=gistns;${login}`,
  ],
  [
    'Db2',
    { platform: 'db2', host: 'db1', database: 'gis', ...dbms },
    `DBCLIENT=db2;SERVER=db1;INSTANCE=sde:db2:db1;DB_CONNECTION_PROPERTIES=db1;DATABASE=gis;${login}`,
  ],
  [
    'SAP HANA',
    { platform: 'saphana', host: 'db1', port: 30015, database: 'gis', ...dbms },
    `DBCLIENT=hana;SERVER=db1;INSTANCE=sde:hana:db1,30015;DB_CONNECTION_PROPERTIES=db1,30015;DATABASE=gis;${login}`,
  ],
  [
    'Teradata',
    { platform: 'teradata', host: 'db1', database: 'gis', ...dbms },
    `DBCLIENT=teradata;SERVER=db1;INSTANCE=sde:teradata:db1;DB_CONNECTION_PROPERTIES=db1;DATABASE=gis;${login}`,
  ],
  [
    'Dameng',
    { platform: 'dameng', host: 'db1', database: 'gis', ...dbms },
    `DBCLIENT=dameng;SERVER=db1;INSTANCE=sde:dameng:db1;DB_CONNECTION_PROPERTIES=db1;DATABASE=gis;${login}`,
  ],
])('writes a connection to %s', ([, connection, text]) => {
  expect(buildConnectionString(connection)).toBe(text);
});

test.for<[string, Partial<DatabaseConnection>]>([
  ['host', { host: undefined }],
  ['host', { host: 'db1,5432' }],
  ['host', { host: 'db1:5432' }],
  ['host', { host: 'db1\\GIS' }],
  ['database', { database: undefined }],
  ['user', { user: undefined }],
  ['user', { authentication: 'os' }],
  ['password', { password: undefined }],
  ['password', { password: 'with;semicolon' }],
  ['database', { database: 'gis;USER=sa' }],
  ['version', { version: 'sde.DEFAULT\n' }],
  ['instance', { instance: 'GIS' }],
  ['instance', { platform: 'oracle', instance: undefined, database: undefined }],
])('names %s when it cannot be written', ([member, change]) => {
  const connection = { platform: 'postgresql', host: 'db1', database: 'gis', ...dbms, ...change };
  const pointer = `#/inputs/connection/${member}`;

  expect(() => buildConnectionString(connection as DatabaseConnection)).toThrow(
    expect.objectContaining({
      code: 'validation_error',
      facts: { errors: [expect.objectContaining({ pointer })] },
    }),
  );
});

test('a password takes the place of every other, and nothing else changes', () => {
  const text = 'ENCRYPTED_PASSWORD_UTF8=00022e1;ENCRYPTED_PASSWORD=00022e2;SERVER=db1;USER=a=b';

  expect(withPassword(text, 'new')).toBe('SERVER=db1;USER=a=b;PASSWORD=new');
  expect(() => withPassword(text, 'n;w')).toThrow('password');
});

test.for([
  ['SERVER=db1;INSTANCE=sde:postgresql:db1,5433;DATABASE=gis;USER=a', 'db1', 'gis'],
  ['INSTANCE=sde:sqlserver:db1\\x,1;DATABASE=gis;USER=a', 'db1', 'gis'],
  ['INSTANCE=sde:oracle$db1:1521/gis;USER=a', 'db1', 'gis'],
  ['INSTANCE=sde:oracle11g:db1:1521/gis;USER=a', 'db1', 'gis'],
] as const)('reads where %s leads to', ([text, host, database]) => {
  expect(readConnectionFacts(text)).toMatchObject({ host, database, user: 'a', isOsLogin: false });
});
