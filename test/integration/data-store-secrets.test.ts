import { expect, onTestFinished, vi } from 'vitest';
import { buildConnectionFile } from '../../src/documents/connection-file-builder.ts';
import { wipeUploads } from '../../src/jobs/wipe-uploads.ts';
import { ask, askJson, storedFiles, toForm } from '../support/asking.ts';
import { ended, findTraces, run } from '../support/data-stores.ts';
import { test } from '../support/publishing-test.ts';
import { openReceiver } from '../support/receiver.ts';
import { makeTestCertificate } from '../support/test-certificate.ts';

// Passwords are asked for again and again; the site repeats what it was sent, in every way it can be written.

const cloudKey = 'cl0ud-c4nary/=+Zq';

function echo(secret: string): string {
  const forms = [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret),
    `PASSWORD=${secret};X`,
  ];
  return `said: cannot log in: ${forms.join(' | ')}`;
}

const login = { host: 'db1', database: 'gis', user: 'editor' };
const parts = (password: string) => ({ platform: 'postgresql', ...login, password });
const text = (password: string) =>
  `SERVER=db1;INSTANCE=sde:postgresql:db1;DBCLIENT=postgresql;DATABASE=gis;USER=editor;PASSWORD=${password};AUTHENTICATION_MODE=DBMS`;
const database = { site: 'demo', name: 'gisdb' };
const store = {
  site: 'demo',
  name: 'imagery',
  type: 'cloudStore',
  provider: 'amazon',
  objectStore: 'gis',
};
const connection = { accessKeyId: 'AKIA1', secretAccessKey: cloudKey, region: 'eu-west-1' };

/** What is asked, one after the other; each with the same password. */
const flows = (password: string): [string, Record<string, unknown>][] => [
  ['register-database', { ...database, connection: parts(password) }],
  ['register-database', { ...database, connectionString: text(password), ifExists: 'update' }],
  [
    'register-database',
    {
      ...database,
      name: 'replica',
      connectionString: text(password),
      clientConnection: { ...parts(password), host: 'db2' },
    },
  ],
  ['register-data-store', { ...store, connection }],
  ['update-data-store', { site: 'demo', item: '/enterpriseDatabases/gisdb', password }],
  [
    'update-data-store',
    { site: 'demo', item: '/enterpriseDatabases/replica', clientConnection: parts(password) },
  ],
  [
    'update-data-store',
    { site: 'demo', item: '/cloudStores/imagery', storeConnection: connection },
  ],
  ['rotate-data-store-password', { site: 'demo', match: login, password }],
  ['unregister-data-store', { site: 'demo', match: { types: ['egdb', 'cloudStore'] } }],
];

test.for([
  ['c4n4ry', 'http'],
  ['cänary-8d2f &"xyz%41', 'https'], // an administrator is shown what is registered in clear
] as const)(
  'the password %s is found nowhere after any job about data over %s, whatever the site says',
  async ([password, protocol], { openSite, open, skip }) => {
    const lines: string[] = [];
    const certificate =
      protocol === 'https' && (await makeTestCertificate('localhost', 'IP:127.0.0.1'));
    if (certificate === undefined) return skip('openssl is not installed');
    if (certificate) onTestFinished(() => certificate.remove());
    const receiver = await openReceiver();
    try {
      const site = await openSite(certificate ? { tls: certificate } : {});
      const gateway = await open(site, {
        ...(certificate && { site: { tls: { ca: certificate.file } } }),
        logTo: { write: (line) => void lines.push(line) },
        settings: { egress: { allowHttp: true, allow: [receiver.host] } },
      });
      await askJson(gateway, '/v1/webhook-endpoints', { url: receiver.url });
      const jobs: string[] = [];
      const runAll = async (from: number, to: number) => {
        const statuses: string[] = [];
        for (const [process, inputs] of flows(password).slice(from, to)) {
          const { jobId, status } = await ended(gateway, process, inputs);
          jobs.push(jobId);
          statuses.push(status);
        }
        return statuses;
      };
      const refuse = () => {
        const fault = { kind: 'unreachable-data' } as const;
        site.control.fault({ ...fault, place: 'AKIA1', message: echo(cloudKey) });
        site.control.fault({ ...fault, place: 'db1', message: echo(password) });
      };
      const failed = (count: number) => Array.from({ length: count }, () => 'failed');
      const successful = (count: number) => Array.from({ length: count }, () => 'successful');

      refuse();
      expect(await runAll(0, 4)).toEqual(failed(4));
      site.control.clearFaults();
      expect(await runAll(0, 4)).toEqual(successful(4));
      refuse();
      expect(await runAll(0, 8)).toEqual(failed(8));
      site.control.clearFaults();
      expect(await runAll(0, 9)).toEqual(successful(9));
      const calls = await receiver.received(jobs.length, ({ body }) =>
        /"job\.(succ|fail)/.test(String(body)),
      );
      const events = await Promise.all(
        jobs.map(async (job) => (await fetch(`${gateway.url}/v1/jobs/${job}/events`)).text()),
      );
      const items = await ask(gateway, '/v1/sites/demo/data-store-items');
      const said = {
        calls: String(calls.map(({ body }) => body)),
        events: String(events),
        log: String(lines),
        items: JSON.stringify(items.body),
      };
      const forms = [password, cloudKey].flatMap((each) => [
        each,
        encodeURIComponent(each),
        JSON.stringify(each).slice(1, -1),
      ]);
      const found = Object.entries(said).flatMap(([place, text]) =>
        forms.filter((form) => text.includes(form)).map((form) => `${form} in ${place}`),
      );
      expect(found).toEqual([]);
      expect(await findTraces(gateway, [password, cloudKey], jobs)).toEqual([]);
    } finally {
      await receiver.close();
    }
  },
);

test('of a store whose members nobody knows, nothing is shown that may be a key', async ({
  openSite,
  open,
  skip,
}) => {
  const certificate = await makeTestCertificate('localhost', 'IP:127.0.0.1');
  if (!certificate) return skip('openssl is not installed');
  onTestFinished(() => certificate.remove());
  const site = await openSite({ tls: certificate });
  const gateway = await open(site, { site: { tls: { ca: certificate.file } } });
  const keys = ['sk-9f2-canary', 'canary-inner-77'];
  const jobs = [
    await ended(gateway, 'register-data-store', {
      ...store,
      provider: 'alibaba',
      connection: { ak: 'LTAI-1', sk: keys[0], region: 'cn-1', more: { inner: keys[1] } },
    }),
    await ended(gateway, 'register-data-store', {
      site: 'demo',
      name: 'weird',
      type: 'weirdStore',
      path: '/cloudStores/weird',
      connection: { connectionString: { apikey: keys[0] }, other: keys[1], kind: 'fileShare' },
    }),
  ];

  expect(jobs.map(({ status }) => status)).toEqual(['successful', 'successful']);
  const { body } = await ask(gateway, '/v1/sites/demo/data-store-items');
  expect(JSON.stringify(body)).toContain('cn-1');
  expect(JSON.stringify(body)).not.toContain(keys[0]);
  expect(
    await findTraces(
      gateway,
      keys,
      jobs.map(({ jobId }) => jobId),
    ),
  ).toEqual([]);
});

const connectionFile = (password: string) =>
  new Blob([
    new Uint8Array(
      buildConnectionFile({
        SERVER: 'db1',
        INSTANCE: 'sde:postgresql:db1',
        DBCLIENT: 'postgresql',
        DATABASE: 'gis',
        AUTHENTICATION_MODE: password ? 'DBMS' : 'OSA',
        ...(password && { USER: 'editor', PASSWORD: Buffer.from(password, 'utf16le') }),
      }),
    ),
  ]);

test('a connection file with a password goes with the end of its job, failed or not', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const gateway = await open(site);
  const register = async (password: string) => {
    const form = toForm([
      ['site', 'demo'],
      ['name', 'gisdb'],
      ['connectionFile', connectionFile(password), 'gis.sde'],
    ]);
    const path = '/v1/processes/register-database/execution';
    const { body } = await ask(gateway, path, { method: 'POST', body: form });
    return gateway.ended(body.jobID);
  };
  const isWiped = () => vi.waitFor(async () => expect(await storedFiles(gateway)).toEqual([]));
  site.control.fault({ kind: 'unreachable-data' });

  const failed = await register('canary');
  await isWiped();
  const retry = await askJson(gateway, `/v1/jobs/${failed.jobId}/retry`, {});
  site.control.clearFaults();
  const successful = await register('canary');
  await isWiped();

  expect([failed.status, successful.status]).toEqual(['failed', 'successful']);
  expect(retry).toMatchObject({
    status: 409,
    body: { errors: [{ pointer: '#/inputs/connectionFile' }] },
  });
  expect(site.control.state().uploads).toEqual([]);
});

test('a connection file that is dismissed goes too; one without a password stays for a retry', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const gateway = await open(site, { hasWorker: false });
  const upload = async (password: string) => {
    const form = toForm([['file', connectionFile(password), 'gis.sde']]);
    const { body } = await ask(gateway, '/v1/uploads', { method: 'POST', body: form });
    return body.id as string;
  };
  const submit = (id: string) =>
    run(gateway, 'register-database', {
      site: 'demo',
      name: 'gisdb',
      connectionFile: { href: `/v1/uploads/${id}` },
    });
  const [secret, plain] = [await upload('canary'), await upload('')];
  const jobs = [await submit(secret), await submit(secret), await submit(plain)];
  const dismiss = (at: number) =>
    ask(gateway, `/v1/jobs/${jobs[at]?.body.jobID}`, { method: 'DELETE' });

  const left = async () => {
    await wipeUploads({ uploads: gateway.core.uploads, storage: gateway.storage });
    return (await storedFiles(gateway)).sort();
  };

  await dismiss(0);
  await dismiss(2);
  expect(await left()).toEqual([secret, plain].sort()); // another job needs it still
  await dismiss(1);
  expect(await left()).toEqual([plain]);
});

test('a connection file for several sites stays until the last of them has it, and not longer', async ({
  openSite,
  open,
}) => {
  const [one, two] = [await openSite(), await openSite()];
  const sites = Object.fromEntries(
    Object.entries({ one, two }).map(([name, { url, username, password }]) => [
      name,
      { url, username, password },
    ]),
  );
  const gateway = await open(one, { sites });
  const hold = { reason: 'later', by: 'ci', sinceMs: Date.now() };
  await gateway.core.siteRecords.hold('two', hold);
  const form = toForm([
    ['sites', 'one'],
    ['sites', 'two'],
    ['name', 'gisdb'],
    ['connectionFile', connectionFile('canary'), 'gis.sde'],
  ]);
  const path = '/v1/processes/register-database/execution';
  const { body } = await ask(gateway, path, { method: 'POST', body: form });
  await gateway.until(body.jobID, ({ children }) => children?.successful === 1);

  await wipeUploads({ uploads: gateway.core.uploads, storage: gateway.storage });
  expect(await storedFiles(gateway)).toHaveLength(1);
  await askJson(gateway, '/v1/sites/two/release', {});

  expect(await gateway.ended(body.jobID)).toMatchObject({
    status: 'successful',
    children: { successful: 2 },
  });
  await vi.waitFor(async () => expect(await storedFiles(gateway)).toEqual([]));
  for (const site of [one, two]) expect(site.control.state().uploads).toEqual([]);
});
