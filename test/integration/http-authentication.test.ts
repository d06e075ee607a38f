import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, askJson, publishing, storedFiles, toForm } from '../support/asking.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';

const site = { url: 'http://127.0.0.1:9', username: 'publisher', password: 'unused' };
const scopesOf: Record<string, { scopes: string[]; sites?: string[] }> = {
  alice: { scopes: ['publish:create'] },
  bob: { scopes: ['publish:create', 'publish:overwrite'], sites: ['staging'] },
  reader: { scopes: ['jobs:read'] },
  auditor: { scopes: ['jobs:read:all', 'jobs:cancel'] },
  nobody: { scopes: [] },
};

let gateway: Gateway;
let definition: Blob;

beforeAll(async () => {
  const apiKeys = Object.entries(scopesOf).map(([id, rights]) => ({
    id,
    sha256: createHash('sha256').update(`key-of-${id}`).digest('hex'),
    ...rights,
  }));
  gateway = await openGateway({
    sites: { demo: site, staging: site },
    hasWorker: false,
    settings: { apiKeys },
  });
  definition = await openAsBlob(await gateway.build());
});
afterAll(() => gateway.close());

const as = (id: string) => ({ 'x-api-key': `key-of-${id}` });

function publish(id: string, inputs: Record<string, string> = {}) {
  const parts = Object.entries({ site: 'demo', ...inputs }) as [string, string][];
  return ask(gateway, publishing, {
    method: 'POST',
    headers: as(id),
    body: toForm([...parts, ['serviceDefinition', definition, 'roads.sd']]),
  });
}

const routes: [string, string][] = [
  ['GET', '/v1'],
  ['GET', '/v1/conformance'],
  ['GET', '/v1/processes'],
  ['GET', '/v1/processes/publish-service-definition'],
  ['POST', publishing],
  ['GET', '/v1/jobs'],
  ['GET', '/v1/jobs/some'],
  ['DELETE', '/v1/jobs/some'],
  ['GET', '/v1/jobs/some/results'],
  ['GET', '/v1/jobs/some/log'],
  ['POST', '/v1/jobs/some/retry'],
  ['POST', '/v1/uploads'],
  ['GET', '/v1/uploads/some'],
  ['DELETE', '/v1/uploads/some'],
  ['POST', '/v1/webhook-endpoints'],
  ['GET', '/v1/webhook-endpoints'],
  ['GET', '/v1/webhook-endpoints/subscriber-secret'],
  ['GET', '/v1/webhook-endpoints/some'],
  ['PATCH', '/v1/webhook-endpoints/some'],
  ['DELETE', '/v1/webhook-endpoints/some'],
  ['POST', '/v1/webhook-endpoints/some/rotate-secret'],
  ['POST', '/v1/webhook-endpoints/some/ping'],
  ['GET', '/v1/webhook-endpoints/some/deliveries'],
  ['GET', '/v1/jobs/some/deliveries'],
  ['POST', '/v1/deliveries/some/redeliver'],
  ['GET', '/v1/sites'],
  ['GET', '/v1/sites/demo'],
  ['GET', '/v1/sites/demo/services'],
  ['GET', '/v1/sites/demo/data-store-items'],
];

describe.each(routes)('%s %s', (method, path) => {
  test('needs a key', async () => {
    const none = await ask(gateway, path, { method });
    expect([none.status, none.body.code]).toEqual([401, 'unauthenticated']);
    expect(none.headers.get('www-authenticate')).toBe('Bearer realm="pressroom"');
    for (const headers of [
      { 'x-api-key': 'key-of-nothing' },
      { authorization: 'Bearer key-of-nothing' },
    ]) {
      const bad = await ask(gateway, path, { method, headers });
      expect(bad.status).toBe(401);
      expect(bad.headers.get('www-authenticate')).toContain('error="invalid_token"');
    }
  });
});

describe.each(routes.slice(4).filter(([, path]) => !path.endsWith('/retry')))(
  '%s %s',
  (method, path) => {
    test('needs a scope', async () => {
      const { status, headers, body } = await ask(gateway, path, { method, headers: as('nobody') });
      expect([status, body.code]).toEqual([403, 'insufficient_scope']);
      expect(headers.get('www-authenticate')).toContain('scope="');
    });
  },
);

test.each(['/health/live', '/health/ready', '/openapi.json', '/problems/not-found'])(
  '%s needs no key',
  async (path) => {
    expect((await ask(gateway, path)).status).toBe(200);
  },
);

test('takes the key as a Bearer token, too', async () => {
  const headers = { authorization: 'Bearer key-of-reader' };
  expect((await ask(gateway, '/v1/jobs', { headers })).status).toBe(200);
});

test('refuses a site that the key does not reach, and keeps nothing of the file', async () => {
  const before = await storedFiles(gateway);
  const { status, body } = await publish('bob');
  expect([status, body.code]).toEqual([403, 'forbidden']);
  expect(await storedFiles(gateway)).toEqual(before);
  expect((await publish('bob', { site: 'staging' })).status).toBe(201);
  const { body: list } = await ask(gateway, '/v1/sites', { headers: as('bob') });
  expect((list.sites as { name: string }[]).map(({ name }) => name)).toEqual(['staging']);
  expect((await ask(gateway, '/v1/sites/demo', { headers: as('bob') })).status).toBe(404);
});

test('needs a scope of its own to replace', async () => {
  const refused = await publish('alice', { ifExists: 'replace' });
  expect([refused.status, refused.body.code]).toEqual([403, 'insufficient_scope']);
  expect(refused.headers.get('www-authenticate')).toContain('publish:overwrite');
  expect((await publish('bob', { ifExists: 'replace', site: 'staging' })).status).toBe(201);
});

describe('what belongs to somebody else', () => {
  /** Byte by byte the same but for the id of the request. */
  const comparable = ({
    status,
    body: { requestId: _, ...body },
  }: Awaited<ReturnType<typeof ask>>) => ({ status, body });

  test.each([
    ['GET', ''],
    ['DELETE', ''],
    ['GET', '/results'],
    ['GET', '/log'],
    ['POST', '/retry'],
  ])('is as if it were not there: %s job%s', async (method, below) => {
    const { body } = await publish('alice');
    const others = await ask(gateway, `/v1/jobs/${body.jobID}${below}`, {
      method,
      headers: as('bob'),
    });
    const unknown = await ask(gateway, `/v1/jobs/00000000-0000-4000-8000-000000000000${below}`, {
      method,
      headers: as('bob'),
    });
    expect(others.status).toBe(404);
    expect(comparable(others)).toEqual(comparable(unknown));
  });

  test.each(['GET', 'DELETE'])('is as if it were not there: %s upload', async (method) => {
    const form = toForm([['file', definition, 'roads.sd']]);
    const { body } = await ask(gateway, '/v1/uploads', {
      method: 'POST',
      headers: as('alice'),
      body: form,
    });
    const others = await ask(gateway, `/v1/uploads/${body.id}`, { method, headers: as('bob') });
    const unknown = await ask(gateway, '/v1/uploads/00000000-0000-4000-8000-000000000000', {
      method,
      headers: as('bob'),
    });
    expect(others.status).toBe(404);
    expect(comparable(others)).toEqual(comparable(unknown));
    const inputs = { site: 'staging', serviceDefinition: { href: `/v1/uploads/${body.id}` } };
    const used = await askJson(gateway, publishing, { inputs }, as('bob'));
    expect([used.status, used.body.errors]).toMatchObject([400, [{ code: 'upload_not_found' }]]);
  });

  test('is not in the list, but for those who may see all', async () => {
    const { body: job } = await publish('alice');
    const seenBy = async (id: string) => {
      const { body } = await ask(gateway, '/v1/jobs?limit=1000', { headers: as(id) });
      return (body.jobs as { jobID: string }[]).some(({ jobID }) => jobID === job.jobID);
    };
    expect([
      await seenBy('alice'),
      await seenBy('bob'),
      await seenBy('reader'),
      await seenBy('auditor'),
    ]).toEqual([true, false, false, true]);
    expect((await ask(gateway, `/v1/jobs/${job.jobID}`, { headers: as('auditor') })).status).toBe(
      200,
    );
  });

  test('has idempotency keys of its own', async () => {
    const send = async (id: string) => {
      const form = toForm([
        ['site', 'staging'],
        ['serviceDefinition', definition, 'roads.sd'],
      ]);
      const headers = { ...as(id), 'idempotency-key': 'the-same-key-of-two-callers' };
      return (await ask(gateway, publishing, { method: 'POST', headers, body: form })).body.jobID;
    };
    expect(await send('alice')).not.toBe(await send('bob'));
  });
});
