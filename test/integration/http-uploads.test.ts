import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, publishing, storedFiles, toForm } from '../support/asking.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';

const maxBytes = 3_000_000;
const site = { url: 'http://127.0.0.1:9', username: 'publisher', password: 'unused' };

let gateway: Gateway;
let definition: Buffer;

beforeAll(async () => {
  gateway = await openGateway({
    sites: { demo: site },
    hasWorker: false,
    settings: { uploads: { maxBytes } },
  });
  definition = await readFile(await gateway.build());
});
afterAll(() => gateway.close());

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();

function sendRaw(bytes: Buffer, headers: Record<string, string> = {}, query = '') {
  return ask(gateway, `/v1/uploads${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', ...headers },
    body: new Uint8Array(bytes),
  });
}

test('takes a form, and looks into a service definition', async () => {
  const form = toForm([['file', new Blob([new Uint8Array(definition)]), 'roads.sd']]);
  const { status, headers, body } = await ask(gateway, '/v1/uploads', {
    method: 'POST',
    body: form,
  });
  expect(status).toBe(201);
  expect(headers.get('location')).toBe(`${gateway.url}/v1/uploads/${body.id}`);
  expect(body).toMatchObject({
    name: 'roads.sd',
    sizeBytes: definition.length,
    sha256: sha256(definition).toString('hex'),
    content: { kind: 'service-definition', serviceName: 'Roads', type: 'MapServer' },
  });
  expect((await ask(gateway, headers.get('location') ?? '')).body).toEqual(body);
});

test.each([
  ['?name=a%20b.txt', {}, 'a b.txt'],
  ['', { 'content-disposition': 'attachment; filename="plain.bin"' }, 'plain.bin'],
  ['', { 'content-disposition': "attachment; filename*=UTF-8''stra%C3%9Fe.sd" }, 'straße.sd'],
  ['?name=..%2F..%2Fetc%2Fpasswd', {}, 'passwd'],
  ['?name=C%3A%5Ctemp%5Cr%E2%80%AEoads.sd%00', {}, 'roads.sd'],
  ['', {}, 'unnamed'],
])('takes a bare body, with a name to be shown (%s %j)', async (query, headers, name) => {
  const bytes = randomBytes(1_000);
  const { status, body } = await sendRaw(bytes, headers, query);
  expect(status).toBe(201);
  expect(body).toMatchObject({ name, sizeBytes: 1_000, sha256: sha256(bytes).toString('hex') });
  expect(body).not.toHaveProperty('content');
});

test('checks a digest', async () => {
  const before = await storedFiles(gateway);
  const bytes = randomBytes(1_000);
  const right = `sha-256=:${sha256(bytes).toString('base64')}:`;
  const wrong = `sha-256=:${sha256(randomBytes(1)).toString('base64')}:`;
  expect((await sendRaw(bytes, { 'repr-digest': wrong })).body.code).toBe('validation_error');
  expect((await sendRaw(bytes, { 'content-digest': 'sha-256=:abc:' })).body.code).toBe(
    'malformed_request',
  );
  expect(await storedFiles(gateway)).toEqual(before);
  expect((await sendRaw(bytes, { 'repr-digest': right, 'content-digest': wrong })).status).toBe(
    400,
  );
  const md5 = await sendRaw(bytes, { 'repr-digest': 'md5=:XUFAKrxLKna5cZ2REBfFkg==:' });
  expect(md5).toMatchObject({ status: 400, body: { code: 'malformed_request' } });
  expect((await sendRaw(bytes, { 'repr-digest': right })).status).toBe(201);
});

test('takes a file of the highest size, and none that is a byte larger', async () => {
  expect((await sendRaw(Buffer.alloc(maxBytes))).status).toBe(201);
  const before = await storedFiles(gateway);
  const raw = await sendRaw(Buffer.alloc(maxBytes + 1));
  const form = toForm([['file', new Blob([new Uint8Array(maxBytes + 1)]), 'a.bin']]);
  const formed = await ask(gateway, '/v1/uploads', { method: 'POST', body: form });
  const published = toForm([
    ['site', 'demo'],
    ['serviceDefinition', new Blob([new Uint8Array(maxBytes + 1)]), 'a.sd'],
  ]);
  const job = await ask(gateway, publishing, { method: 'POST', body: published });
  for (const { status, body } of [raw, formed, job])
    expect([status, body.code]).toEqual([413, 'payload_too_large']);
  expect(await storedFiles(gateway)).toEqual(before);
});

test('refuses at once what announces to be too large', async () => {
  const { status, body } = await sendRaw(Buffer.alloc(maxBytes + 17 * 2 ** 20));
  expect([status, body.code]).toEqual([413, 'payload_too_large']);
});

test.each([
  ['no part', toForm([])],
  ['a part of another name', toForm([['document', new Blob(['x']), 'x']])],
  [
    'a text beside the file',
    toForm([
      ['file', new Blob(['x']), 'x'],
      ['more', 'x'],
    ]),
  ],
])('refuses a form with %s', async (_what, body) => {
  const before = await storedFiles(gateway);
  const answer = await ask(gateway, '/v1/uploads', { method: 'POST', body });
  expect(answer.status).toBe(400);
  expect(await storedFiles(gateway)).toEqual(before);
});

test('refuses JSON as a file', async () => {
  const { status, body } = await sendRaw(Buffer.from('{}'), { 'content-type': 'application/json' });
  expect([status, body.code]).toEqual([415, 'unsupported_media_type']);
});

test('refuses a damaged service definition', async () => {
  const { status, body } = await sendRaw(definition.subarray(0, 900), {}, '?name=roads.sd');
  expect(status).toBe(400);
  expect(['archive_rejected', 'unreadable_document']).toContain(body.code);
});

test('deletes an upload that no job needs', async () => {
  const free = (await sendRaw(definition)).body.id;
  const held = (await sendRaw(definition, {}, '?name=roads.sd')).body.id;
  const inputs = { site: 'demo', serviceDefinition: { href: `/v1/uploads/${held}` } };
  const { body: job } = await ask(gateway, publishing, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs }),
  });
  expect((await ask(gateway, `/v1/uploads/${free}`, { method: 'DELETE' })).status).toBe(204);
  expect((await ask(gateway, `/v1/uploads/${free}`)).status).toBe(404);
  expect(await storedFiles(gateway)).not.toContain(free);
  const refused = await ask(gateway, `/v1/uploads/${held}`, { method: 'DELETE' });
  expect([refused.status, refused.body.code]).toEqual([409, 'conflict']);
  expect(refused.body.detail).toContain(job.jobID);
});
