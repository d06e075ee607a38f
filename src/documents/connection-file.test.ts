import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readConnectionFile, readConnectionProperties } from './connection-file.ts';
import { buildConnectionFile } from './connection-file-builder.ts';

const canary = 'canary-7f3a91';
const postgres = {
  SERVER: 'db1',
  INSTANCE: 'sde:postgresql:db1,5433',
  DBCLIENT: 'postgresql',
  DB_CONNECTION_PROPERTIES: 'db1,5433',
  DATABASE: 'gis',
  IS_GEODATABASE: 'true',
  AUTHENTICATION_MODE: 'DBMS',
  USER: 'editor',
  PASSWORD: Buffer.from(canary),
  VERSION: 'sde.DEFAULT',
  'CONNPROP-REV': 'Rev1.0',
};

test('tells where a connection file leads to, and that it holds a password', () => {
  const content = readConnectionFile(buildConnectionFile(postgres));

  expect(content).toEqual({
    kind: 'connection-file',
    isGeodatabase: true,
    hasPassword: true,
    connection: {
      kind: 'database',
      platform: 'postgresql',
      host: 'db1',
      database: 'gis',
      user: 'editor',
      version: 'sde.DEFAULT',
      authentication: 'DBMS',
      instance: 'sde:postgresql:db1,5433',
    },
  });
  expect(JSON.stringify(content)).not.toContain(canary);
});

test('a password written as text is passed over too', () => {
  const file = buildConnectionFile({ ...postgres, PASSWORD: canary });
  const { properties, hasPassword } = readConnectionProperties(file);

  expect(hasPassword).toBe(true);
  expect(properties.get('VERSION')).toBe('sde.DEFAULT');
  expect(JSON.stringify([...properties])).not.toContain(canary);
});

test('a login of the operating system has neither user nor password', () => {
  const { USER: _user, PASSWORD: _password, ...plain } = postgres;
  const content = readConnectionFile(buildConnectionFile({ ...plain, AUTHENTICATION_MODE: 'OSA' }));

  expect(content.hasPassword).toBe(false);
  expect(content.connection).toMatchObject({ authentication: 'OSA', database: 'gis' });
  expect(content.connection).not.toHaveProperty('user');
});

test('reads a file that is longer than one sector of small ones', () => {
  const long = 'x'.repeat(1_500);
  const { properties } = readConnectionProperties(
    buildConnectionFile({ ...postgres, DATABASE: long }),
  );

  expect(properties.get('DATABASE')).toBe(long);
});

test('a connection to a server is told from one to a database', () => {
  const file = buildConnectionFile({ URL: 'x' }, { streamName: 'AGSConnProperties' });

  expect(() => readConnectionFile(file)).toThrow('.ags');
});

const whole = buildConnectionFile(postgres);

test.for([
  ['nothing', Buffer.alloc(0)],
  ['text', Buffer.from('SERVER=db1;DATABASE=gis')],
  ['a signature alone', whole.subarray(0, 8)],
  ['a file cut off in its header', whole.subarray(0, 300)],
  ['a file cut off in its properties', whole.subarray(0, 2_300)],
  ['a chain in circles', withNumber(whole, 512 + 4 * 3, 3)],
  ['a chain out of the file', withNumber(whole, 512 + 4 * 3, 9_000)],
  ['sectors of an impossible size', withNumber(whole, 30, 0x0000_0040)],
  ['more tables than there are places', withNumber(whole, 44, 4_000_000_000)],
  [
    'a million properties',
    withNumber(whole, whole.indexOf('115a8e589bd0d111', 'hex') + 18, 1_000_000),
  ],
] as const)('refuses %s', ([, file]) => {
  expect(() => readConnectionFile(Buffer.from(file))).toThrow(
    expect.objectContaining({ code: 'unreadable_document' }),
  );
});

test('never throws anything but a refusal, whichever byte is changed', () => {
  for (let at = 0; at < whole.length; at += 1) {
    const changed = Buffer.from(whole);
    changed.writeUInt8(changed.readUInt8(at) ^ 0xff, at);
    try {
      readConnectionFile(changed);
    } catch (error) {
      expect(error, `byte ${at}`).toMatchObject({ code: 'unreadable_document' });
    }
  }
});

// biome-ignore lint/style/noProcessEnv: says where the sample files are
const samples = resolve(process.env.PRESSROOM_SAMPLES ?? '../shared/samples', 'connections');

test.skipIf(!existsSync(samples))(
  'reads the connection files of ArcGIS (skipped without samples)',
  async () => {
    for (const name of ['SQLServer-sdk5-ArcGIS.sde', 'UPDATE_TESTS.sde']) {
      const { connection, hasPassword } = readConnectionFile(await readFile(join(samples, name)));
      expect(hasPassword).toBe(false);
      expect(Object.keys(connection)).toEqual(
        expect.arrayContaining(['host', 'instance', 'platform', 'authentication']),
      );
      expect(connection).toMatchObject({ platform: 'sqlserver', authentication: 'OSA' });
    }
    const site = await readFile(join(samples, 'ArcGIS.ags'));
    expect(() => readConnectionFile(site)).toThrow('.ags');
  },
);

function withNumber(file: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(file);
  changed.writeUInt32LE(value, at);
  return changed;
}
