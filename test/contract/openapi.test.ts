import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeApi } from '../../src/http/describe-api.ts';
import { jobTypes } from '../../src/jobs/registry.ts';
import { describeConfig } from '../../src/lib/config-schema.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';

type Operation = { operationId: string; responses: Record<string, unknown>; security: object[] };
type Document = { paths: Record<string, Record<string, Operation>>; servers: { url: string }[] };

let gateway: Gateway;
let document: Document;

beforeAll(async () => {
  gateway = await openGateway({ sites: {}, hasWorker: false });
  document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as Document;
});
afterAll(() => gateway.close());

const committed = async (name: string) =>
  JSON.parse(await readFile(new URL(`../../openapi/${name}`, import.meta.url), 'utf8'));

test('the committed document is the one that the routes make (npm run openapi)', async () => {
  const made = JSON.parse(JSON.stringify(await describeApi(jobTypes)));
  expect(await committed('openapi.json')).toEqual(made);
});

test('the committed schema of the configuration is the one that is checked (npm run openapi)', async () => {
  expect(await committed('config.schema.json')).toEqual(
    JSON.parse(JSON.stringify(describeConfig())),
  );
});

test('a deployment serves the same document with its own address', async () => {
  const { servers, ...rest } = document;
  const { servers: _, ...expected } = await committed('openapi.json');
  expect(servers).toEqual([{ url: gateway.url }]);
  expect(rest).toEqual(expected);
});

test('the document has the version of the package', async () => {
  const { version } = JSON.parse(
    await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  expect((await committed('openapi.json')).info.version).toBe(version);
});

test('every process has an operation named after it', () => {
  for (const { name } of jobTypes) {
    const { operationId } = document.paths[`/v1/processes/${name}/execution`]?.post ?? {};
    expect(operationId?.toLowerCase()).toBe(name.replaceAll('-', ''));
  }
});

test('every operation that is described is answered, and only with statuses that are described', async () => {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, { responses }] of Object.entries(item)) {
      const address = gateway.url + path.replaceAll(/\{[^}]+\}/g, 'unknown');
      const response = await fetch(address, { method: method.toUpperCase() });
      expect(Object.keys(responses), `${method} ${path}`).toContain(String(response.status));
      expect(response.status, `${method} ${path}`).not.toBe(405);
      if (response.headers.get('content-type') === 'text/event-stream') {
        await response.body?.cancel(); // it would never end
        continue;
      }
      const { code } = (await response.json()) as { code?: string };
      expect(code, `${method} ${path}`).not.toBe('internal_error');
    }
  }
});

test('the page at /docs names every operation and loads nothing', async () => {
  const page = await fetch(`${gateway.url}/docs`);
  const text = await page.text();
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  for (const path of Object.keys(document.paths)) expect(text).toContain(path);
  expect(text).not.toMatch(/<script|src=/);
});

test('every pattern can be read by languages that do not know Unicode properties', async () => {
  const patterns: string[] = [];
  JSON.stringify(await committed('openapi.json'), (key, value) => {
    if (key === 'pattern' && typeof value === 'string') patterns.push(value);
    return value;
  });

  expect(patterns.length).toBeGreaterThan(20);
  expect(patterns.filter((pattern) => /\\p\{/i.test(pattern))).toEqual([]);
});
