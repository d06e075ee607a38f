import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, expect } from 'vitest';
import { stringify } from 'yaml';
import { digestOf } from './digest.ts';
import { ConfigError } from './errors.ts';
import { parseConfig, readConfig } from './read-config.ts';
import { createSecretResolver } from './secret-reference.ts';

const site = {
  url: 'https://gis.example.org/server/',
  auth: { username: 'publisher', password: { env: 'SITE_PASSWORD' } },
};
const apiKey = { id: 'ci', sha256: 'AB'.repeat(32) };

/** Writes a configuration and reads it as a process would. */
type Read = (written: unknown, env?: NodeJS.ProcessEnv) => ReturnType<typeof readConfig>;

const test = base.extend<{ folder: string; read: Read }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'config-'));
    await use(folder);
    await rm(folder, { recursive: true });
  },
  read: async ({ folder }, use) => {
    await use(async (written, env = {}) => {
      const file = join(folder, 'pressroom.yaml');
      await writeFile(file, typeof written === 'string' ? written : stringify(written));
      return readConfig({ PRESSROOM_CONFIG: file, ...env });
    });
  },
});

async function faultsOf(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).message;
}

test('nothing said: a gateway for this machine only', async () => {
  expect(await readConfig({})).toMatchObject({
    http: { host: '127.0.0.1', port: 8080 },
    redis: { prefix: 'pressroom' },
    queue: {
      lockSeconds: 10,
      stalledCheckSeconds: 4,
      jobDeadlineHours: 24,
      sweepSeconds: 5,
      reconcileSeconds: 60,
    },
    storage: { kind: 'folder', path: join(process.cwd(), 'data') },
    retention: { failedUploadDays: 7 },
    apiKeys: [],
    sites: {},
    conformanceEcho: false,
  });
});

test.for(['', '# nothing\n', 'http:\nredis:\n'])(
  'an empty file is as good as none: %j',
  async (written, { read }) => {
    expect(await read(written)).toMatchObject({ http: { port: 8080 }, sites: {} });
  },
);

test('a site is read with its defaults; addresses lose their closing slash', async ({ read }) => {
  const { sites } = await read({
    sites: { demo: { ...site, adminUrl: 'https://gis01:6443/arcgis//' } },
  });
  expect(sites.demo).toMatchObject({
    url: 'https://gis.example.org/server',
    adminUrl: 'https://gis01:6443/arcgis',
    auth: { via: 'auto' },
    replaceMethod: 'manifest',
    tls: { insecureSkipVerify: false },
  });
  expect(sites.demo?.slots).toBeUndefined();
});

test('paths are relative to the file they stand in', async ({ read, folder }) => {
  const tls = { ca: 'certs/ca.pem' };
  const auth = { username: 'u', password: { file: 'secret' } };
  const config = await read({
    storage: { kind: 'folder', path: '../store' },
    sites: { demo: { ...site, tls, auth } },
  });
  expect(config.storage.path).toBe(join(folder, '../store'));
  expect(config.sites.demo?.tls.ca).toBe(join(folder, 'certs/ca.pem'));
  expect(config.sites.demo?.auth.password).toEqual({ file: join(folder, 'secret') });
  const absolute = await read({ storage: { kind: 'folder', path: '/var/lib/pressroom' } });
  expect(absolute.storage.path).toBe('/var/lib/pressroom');
});

test('the environment wins over the file, member by member', async ({ read }) => {
  const written = {
    http: { host: '127.0.0.1', port: 1, publicUrl: 'https://old.example.org', bodyLimitBytes: 5 },
    redis: { url: 'redis://old:1', prefix: 'mine' },
    log: { level: 'warn' },
  };
  const config = await read(written, {
    PRESSROOM_HTTP_HOST: 'localhost',
    PRESSROOM_HTTP_PORT: '9000',
    PRESSROOM_PUBLIC_URL: 'https://publish.example.org/',
    PRESSROOM_REDIS_URL: 'rediss://new:2',
    PRESSROOM_LOG_LEVEL: 'debug',
  });
  expect(config).toMatchObject({
    http: {
      host: 'localhost',
      port: 9000,
      publicUrl: 'https://publish.example.org',
      bodyLimitBytes: 5,
    },
    redis: { url: 'rediss://new:2', prefix: 'mine' },
    log: { level: 'debug' },
  });
});

test('a variable that is set to nothing says nothing', async ({ read }) => {
  const empty = {
    PRESSROOM_HTTP_HOST: '',
    PRESSROOM_HTTP_PORT: '',
    PRESSROOM_PUBLIC_URL: '',
    PRESSROOM_REDIS_URL: '',
    PRESSROOM_LOG_LEVEL: '',
  };
  const config = await read({ http: { port: 7000 }, log: { level: 'warn' } }, empty);
  expect(config).toMatchObject({ http: { host: '127.0.0.1', port: 7000 }, log: { level: 'warn' } });
});

test('every fault is named at once, wherever it stands', async ({ read }) => {
  const written = {
    http: { host: '0.0.0.0', prot: 1 },
    redis: { sentinels: [{ host: 'a' }], prefix: 'Not Good' },
    queue: { lockSeconds: 0 },
    apiKeys: [{ id: 'a b', sha256: 'short' }],
    sites: {
      demo: { url: 'ftp://x', auth: { username: '', password: 'hunter2' } },
      'bad name': site,
    },
    storage: { kind: 's3' },
    nonsense: true,
  };
  const message = await faultsOf(
    read(written, { PRESSROOM_HTTP_PORT: 'eighty', PRESSROOM_LOG_LEVEL: 'loud' }),
  );
  const places = [
    ...[
      'http.port',
      '"prot"',
      'redis.prefix',
      'queue.lockSeconds',
      'apiKeys[0].id',
      'apiKeys[0].sha256',
    ],
    ...[
      'sites.demo.url',
      'sites.demo.auth.username',
      'sites.demo.auth.password',
      'bad name',
      'storage',
      'log.level',
      '"nonsense"',
    ],
  ];
  expect(places.filter((place) => !message.includes(place))).toEqual([]);
  expect(message).not.toContain('hunter2');
});

test('faults of one member and faults between members are named together', async ({ read }) => {
  const message = await faultsOf(
    read({
      http: { host: '0.0.0.0', port: -1 },
      redis: { sentinels: [{ host: 'a' }] },
      queue: { lockSeconds: 0 },
    }),
  );
  for (const part of [
    'http.port',
    'queue.lockSeconds',
    'http.host',
    'loopback',
    'redis.sentinelName',
  ])
    expect(message).toContain(part);
});

test('a value of the wrong kind does not hide the other faults', async ({ read }) => {
  const written = {
    http: { host: '0.0.0.0' },
    queue: { lockSeconds: 'ten' },
    redis: { sentinels: [{ host: 'a' }] },
  };
  const message = await faultsOf(read(written));
  for (const part of ['queue.lockSeconds', 'loopback only', 'redis.sentinelName'])
    expect(message).toContain(part);
  expect(await faultsOf(read({ http: 'all', redis: 5, apiKeys: 'none' }))).toContain('apiKeys');
});

test.for(['0.0.0.0', '::', '192.168.1.5', 'gis.example.org'])(
  'without keys nobody listens on %s',
  async (host, { read }) => {
    expect(await faultsOf(read({ http: { host } }))).toContain('loopback only');
    expect(await faultsOf(read({}, { PRESSROOM_HTTP_HOST: host }))).toContain('loopback only');
    expect(await read({ http: { host }, apiKeys: [apiKey] })).toMatchObject({
      http: { host },
      apiKeys: [{ sha256: 'ab'.repeat(32), sites: ['*'] }],
    });
  },
);

test.for(['127.0.0.1', '::1', 'localhost'])('without keys %s is fine', async (host, { read }) => {
  expect((await read({ http: { host } })).http.host).toBe(host);
});

test('one id for two keys is a fault', async ({ read }) => {
  expect(
    await faultsOf(read({ apiKeys: [apiKey, { ...apiKey, sha256: 'cd'.repeat(32) }] })),
  ).toContain('ci stands twice');
});

test('a file that is missing, broken or something else is a fault with its name', async ({
  read,
  folder,
}) => {
  expect(await faultsOf(readConfig({ PRESSROOM_CONFIG: join(folder, 'gone.yaml') }))).toMatch(
    /PRESSROOM_CONFIG: .*gone\.yaml cannot be read/,
  );
  expect(await faultsOf(read('a: [b'))).toMatch(/pressroom\.yaml is not YAML/);
  for (const written of ['just text', '17', '- a\n- b\n', '[]'])
    expect(await faultsOf(read(written))).toContain('not valid');
});

test('an error of a broken file does not show its secrets', async ({ read }) => {
  expect(await faultsOf(read('sites:\n  demo:\n    password: "hunter2\n  x: [\n'))).not.toContain(
    'hunter2',
  );
});

test('secrets are read when they are used, without a closing line end', async ({ folder }) => {
  const env: NodeJS.ProcessEnv = { SITE_PASSWORD: 'one' };
  const resolveSecret = createSecretResolver(env);
  expect(await resolveSecret({ env: 'SITE_PASSWORD' })).toBe('one');
  env.SITE_PASSWORD = 'two';
  expect(await resolveSecret({ env: 'SITE_PASSWORD' })).toBe('two');
  await writeFile(join(folder, 'secret'), ' with blanks \r\n');
  expect(await resolveSecret({ file: join(folder, 'secret') })).toBe(' with blanks ');
  await expect(resolveSecret({ env: 'MISSING' })).rejects.toThrow('MISSING is not set');
  await expect(resolveSecret({ file: join(folder, 'gone') })).rejects.toThrow(
    'gone cannot be read',
  );
});

test('a digest changes with its part only', () => {
  const [one, two] = ['https://a', 'https://b'].map((url) =>
    parseConfig({ sites: { demo: { ...site, url } } }, { baseFolder: '/' }),
  );
  expect(digestOf(one?.sites)).not.toBe(digestOf(two?.sites));
  expect(digestOf(one?.queue)).toBe(digestOf(two?.queue));
  expect(digestOf(one)).toMatch(/^[0-9a-f]{16}$/);
});
