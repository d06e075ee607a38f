import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { errorCodes, Problem } from '../../src/lib/problem.ts';
import { publishing } from '../support/asking.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';

const site = { url: 'http://127.0.0.1:9', username: 'publisher', password: 'unused' };
let gateway: Gateway;

beforeAll(async () => {
  gateway = await openGateway({ sites: { demo: site }, hasWorker: false });
});
afterAll(() => gateway.close());

const json = { 'content-type': 'application/json' };
type Case = [what: string, path: string, request: RequestInit, status: number, code: string];

const cases: Case[] = [
  ['an unknown address', '/nowhere', {}, 404, 'not_found'],
  ['an unknown address below /v1', '/v1/nowhere', {}, 404, 'not_found'],
  ['an unknown kind of problem', '/problems/nothing', {}, 404, 'not_found'],
  ['a method that is not offered', '/v1/jobs', { method: 'PUT' }, 405, 'method_not_allowed'],
  [
    'a method that is not offered below an id',
    '/v1/jobs/x/results',
    { method: 'POST' },
    405,
    'method_not_allowed',
  ],
  [
    'broken JSON',
    publishing,
    { method: 'POST', headers: json, body: '{"inputs":' },
    400,
    'malformed_request',
  ],
  ['no body', publishing, { method: 'POST' }, 400, 'validation_error'],
  ['an empty JSON body', publishing, { method: 'POST', headers: json }, 400, 'malformed_request'],
  [
    'JSON that is no object',
    publishing,
    { method: 'POST', headers: json, body: '[]' },
    400,
    'validation_error',
  ],
  [
    'another media type',
    publishing,
    { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'a' },
    415,
    'unsupported_media_type',
  ],
  [
    'a body that is too large',
    publishing,
    { method: 'POST', headers: json, body: ' '.repeat(1_100_000) },
    413,
    'payload_too_large',
  ],
  [
    'a form without a boundary',
    publishing,
    { method: 'POST', headers: { 'content-type': 'multipart/form-data' }, body: 'a' },
    400,
    'malformed_request',
  ],
  [
    'an upload as a form without a boundary',
    '/v1/uploads',
    { method: 'POST', headers: { 'content-type': 'multipart/form-data' }, body: 'a' },
    400,
    'malformed_request',
  ],
  [
    'a form that breaks off',
    publishing,
    {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: '--b\r\nContent-Disposition: form-data; name="site"\r\n\r\nde',
    },
    400,
    'malformed_request',
  ],
  [
    'a part named __proto__',
    publishing,
    {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: '--b\r\nContent-Disposition: form-data; name="__proto__"\r\n\r\nx\r\n--b--\r\n',
    },
    400,
    'malformed_request',
  ],
  [
    'a file that breaks off',
    publishing,
    {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: '--b\r\nContent-Disposition: form-data; name="serviceDefinition"; filename="a.sd"\r\n\r\nde',
    },
    400,
    'malformed_request',
  ],
  [
    'a part without a name',
    publishing,
    {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: '--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n',
    },
    400,
    'malformed_request',
  ],
  [
    'JSON that is nested without end',
    publishing,
    {
      method: 'POST',
      headers: json,
      body: `{"inputs":{"overrides":${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}}}`,
    },
    400,
    'malformed_request',
  ],
  [
    'JSON in another encoding',
    publishing,
    { method: 'POST', headers: json, body: Buffer.from('{"inputs":{"site":"ü"}}', 'latin1') },
    400,
    'malformed_request',
  ],
  [
    'an input named by half a character',
    publishing,
    { method: 'POST', headers: json, body: '{"inputs":{"\\ud800":1}}' },
    400,
    'validation_error',
  ],
  [
    'a compressed body',
    publishing,
    { method: 'POST', headers: { ...json, 'content-encoding': 'gzip' }, body: '{}' },
    415,
    'unsupported_media_type',
  ],
  [
    'text instead of JSON',
    publishing,
    { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' },
    415,
    'unsupported_media_type',
  ],
  [
    'a form where none is taken',
    '/v1/jobs/x/retry',
    { method: 'POST', body: new FormData() },
    415,
    'unsupported_media_type',
  ],
  [
    'broken JSON at an unknown address',
    '/v1/nowhere',
    { method: 'POST', headers: json, body: '{' },
    404,
    'not_found',
  ],
  ['a method that wants a media type', '/v1/jobs', { method: 'QUERY' }, 405, 'method_not_allowed'],
  ['nothing acceptable', '/v1/jobs', { headers: { accept: 'text/csv' } }, 406, 'not_acceptable'],
  [
    'JSON refused by its weight',
    '/v1/jobs',
    { headers: { accept: 'application/json;q=0' } },
    406,
    'not_acceptable',
  ],
  ['an unknown parameter', '/v1/processes?color=red', {}, 400, 'invalid_parameter'],
  [
    'an unknown process',
    '/v1/processes/nothing/execution',
    { method: 'POST', headers: json, body: '{}' },
    404,
    'no_such_process',
  ],
  ['an address that cannot be decoded', '/v1/jobs/%ZZ', {}, 400, 'malformed_request'],
  ['an id that is very long', `/v1/jobs/${'x'.repeat(500)}`, {}, 404, 'not_found'],
];

test.each(cases)('%s is a problem', async (_what, path, request, status, code) => {
  const response = await fetch(gateway.url + path, request);
  const problem = Problem.parse(await response.json());
  expect(problem).toMatchObject({ status, code });
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(errorCodes).toContain(problem.code);
  expect(URL.canParse(problem.type)).toBe(true);
  expect(response.headers.get('x-request-id')).toBe(problem.requestId);
  expect(JSON.stringify(problem)).not.toMatch(/node_modules|\.ts:| {4}at /);
});

test('names the methods that are offered', async () => {
  const allowed = async (path: string) =>
    (await fetch(gateway.url + path, { method: 'PUT' })).headers.get('allow');
  expect(await allowed('/v1/jobs')).toBe('GET, HEAD');
  expect(await allowed('/v1/jobs/x')).toBe('DELETE, GET, HEAD, PATCH');
  expect(await allowed(publishing)).toBe('POST');
});

test('explains each kind at its address', async () => {
  for (const code of errorCodes) {
    const address = `${gateway.url}/problems/${code.replaceAll('_', '-')}`;
    expect(await (await fetch(address)).json()).toMatchObject({ code });
    const page = await fetch(address, { headers: { accept: 'text/html,*/*;q=0.8' } });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toContain(code);
  }
});

test.each([
  ['bytes that are no request', 'this is no request', 400, 'malformed_request'],
  ['a request without a host', 'GET /v1/jobs HTTP/1.1', 400, 'malformed_request'],
  ['a host that is none', 'GET /v1/jobs HTTP/1.1\r\nHost: a"<>/b', 400, 'malformed_request'],
  ['two hosts', 'GET /v1/jobs HTTP/1.1\r\nHost: a\r\nHost: b', 400, 'malformed_request'],
  [
    'an expectation that nobody can meet',
    'GET /v1/jobs HTTP/1.1\r\nHost: a\r\nExpect: a-miracle',
    417,
    'malformed_request',
  ],
  ['a wish for a tunnel', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443', 405, 'method_not_allowed'],
  [
    'headers without end',
    `GET /v1/jobs HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}`,
    431,
    'malformed_request',
  ],
])('%s: a problem', async (_what, lines, status, code) => {
  const { head, body } = await say(`${lines}\r\nConnection: close\r\n\r\n`);
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head).toMatch(/^content-type: application\/problem\+json$/im);
  const problem = Problem.parse(JSON.parse(body));
  expect(problem).toMatchObject({ status, code });
  expect(URL.canParse(problem.type)).toBe(true);
  expect(head).toContain(problem.requestId);
});

test('links to the address that was asked, where a request of HTTP/1.0 names none', async () => {
  const { body } = await say('GET /v1/jobs HTTP/1.0\r\n\r\n');
  expect(JSON.parse(body).links[0].href).toBe(`${gateway.url}/v1/jobs`);
});

test('says what a resource takes', async () => {
  const response = await fetch(gateway.url + publishing, { method: 'POST', body: 'text' });
  expect(response.headers.get('accept')).toBe('application/json, multipart/form-data');
});

/** Bytes on a socket, and what comes back until it closes. */
async function say(text: string): Promise<{ head: string; body: string }> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  socket.write(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  return { head, body };
}

test.each([
  ['takes over', 'build-4711.a_b', /^build-4711\.a_b$/],
  ['replaces a short', 'abc', /^[0-9a-f-]{36}$/],
  ['replaces a strange', 'a b c d e f g h', /^[0-9a-f-]{36}$/],
  ['replaces a long', 'x'.repeat(1_000), /^[0-9a-f-]{36}$/],
])('%s request id', async (_what, sent, expected) => {
  const response = await fetch(`${gateway.url}/v1`, { headers: { 'x-request-id': sent } });
  expect(response.headers.get('x-request-id')).toMatch(expected);
});
