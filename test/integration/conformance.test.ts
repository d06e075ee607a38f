import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, openGateway } from '../support/gateway.ts';

/**
 * What the OGC test suite for API - Processes 1.0 looks at, as its source reads, run against the echo
 * process as the suite would: without a key, without `Accept` where it sends none.
 */
const exceptions = 'http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0';
const relations = 'http://www.opengis.net/def/rel/ogc/1.0';
const json = { 'content-type': 'application/json', accept: 'application/json' };

let gateway: Gateway;
let root: string;

beforeAll(async () => {
  gateway = await openGateway({ sites: {}, settings: { conformanceEcho: true } });
  root = `${gateway.url}/v1`;
});
afterAll(() => gateway.close());

function execute(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${root}/processes/echo/execution`, {
    method: 'POST',
    headers: { ...json, ...headers },
    body: JSON.stringify(body),
  });
}

async function startJob(inputs: object): Promise<{ location: string; jobID: string }> {
  const response = await execute({ inputs }, { prefer: 'respond-async ' });
  expect(response.status).toBe(201);
  const { jobID } = (await response.json()) as { jobID: string };
  return { location: response.headers.get('location') ?? '', jobID };
}

type Described = { href: string; rel: string };
const readJson = async (url: string) => (await fetch(url)).json();

test.each(['', '/'])('answers the root with "%s" at its end', async (end) => {
  const response = await fetch(root + end);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('application/json');
  const { links } = (await response.json()) as { links: Described[] };
  const rels = links.map(({ rel }) => rel);
  expect(rels).toEqual(
    expect.arrayContaining([
      'service-desc',
      'service-doc',
      `${relations}/conformance`,
      `${relations}/processes`,
    ]),
  );
  expect(links.every(({ href }) => href.startsWith('http'))).toBe(true);
});

test('declares conformance', async () => {
  const { conformsTo } = (await readJson(`${root}/conformance`)) as { conformsTo: string[] };
  expect(conformsTo).toContain('http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core');
  expect(conformsTo).toContain('http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/job-list');
});

test('lists one process when one is asked for, with a link to the next', async () => {
  const page = (await readJson(`${root}/processes?limit=1`)) as {
    processes: { id: string }[];
    links: Described[];
  };
  expect(page.processes).toHaveLength(1);
  const next = page.links.find(({ rel }) => rel === 'next')?.href ?? '';
  const rest = (await readJson(next)) as { processes: { id: string }[] };
  expect(rest.processes).toHaveLength(1);
  expect(rest.processes[0]?.id).not.toBe(page.processes[0]?.id);
});

test('describes echo: a plain string first, an output of the same id, everything optional', async () => {
  type Put = { minOccurs: number; schema: Record<string, unknown> };
  const echo = (await readJson(`${root}/processes/echo`)) as {
    jobControlOptions: string[];
    inputs: Record<string, Put>;
    outputs: Record<string, Put>;
  };
  expect(echo.jobControlOptions).toEqual(['sync-execute', 'async-execute', 'dismiss']);
  const [[firstId, first] = ['', undefined]] = Object.entries(echo.inputs);
  expect(first?.schema).toEqual({ type: 'string', maxLength: 10_000 });
  expect(echo.outputs[firstId]?.schema).toMatchObject({ type: 'string' });
  expect(Object.values(echo.inputs).map(({ minOccurs }) => minOccurs)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(echo.inputs.pause?.schema).toMatchObject({ type: 'integer' });
  expect(echo.inputs.document?.schema).toMatchObject({ contentMediaType: 'text/plain' });
  expect(JSON.stringify(echo)).not.toContain('$ref');
});

test('answers an unknown process with the exception type of the standard', async () => {
  const response = await fetch(`${root}/processes/nothing`);
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({
    type: `${exceptions}/no-such-process`,
    status: 404,
  });
});

describe('carried out while the caller waits', () => {
  test('answers 200 without Prefer, and sends no Link', async () => {
    const response = await execute({ inputs: { echo: 'teststring' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('link')).toBeNull();
    expect(await response.json()).toEqual({ echo: 'teststring' });
  });

  test('sends one raw value as it is', async () => {
    const outputs = { echo: { transmissionMode: 'value' } };
    const response = await execute({ inputs: { echo: 'teststring' }, outputs, response: 'raw' });
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await response.text()).toBe('teststring');
  });

  test('takes the inputs as a form', async () => {
    const form = new FormData();
    form.append('echo', 'teststring');
    form.append('numbers', '1');
    form.append('numbers', '2');
    const response = await fetch(`${root}/processes/echo/execution`, {
      method: 'POST',
      body: form,
    });
    expect([response.status, await response.json()]).toEqual([
      200,
      { echo: 'teststring', numbers: [1, 2] },
    ]);
  });

  test('refuses a key that is none', async () => {
    const response = await execute({ inputs: { echo: 'a' } }, { 'idempotency-key': 'short' });
    expect(response.status).toBe(400);
  });

  test('sends several raw values as multipart/related', async () => {
    const response = await execute({
      inputs: { echo: 'teststring', numbers: [1, 2] },
      response: 'raw',
    });
    expect(response.headers.get('content-type')).toMatch(/^multipart\/related; boundary=/);
    expect(await response.text()).toContain(
      'Content-ID: <numbers>\r\nContent-Type: application/json\r\n\r\n[1,2]\r\n',
    );
  });

  test.each([
    ['array', { numbers: [1, 2, 3] }, { numbers: [1, 2, 3] }],
    [
      'object as a qualified value',
      { anything: { value: 'teststring' } },
      { anything: 'teststring' },
    ],
    ['object', { anything: { value: { a: 1 } } }, { anything: { a: 1 } }],
    [
      'bounding box',
      { bbox: { bbox: [51.9, 7, 52, 7.1], crs: 'CRS84' } },
      { bbox: { bbox: [51.9, 7, 52, 7.1], crs: 'CRS84' } },
    ],
    [
      'encoded text',
      { document: { value: 'dGVzdA==', format: { encoding: 'base64' } } },
      { document: 'dGVzdA==' },
    ],
  ])('takes an %s', async (_kind, inputs, outputs) => {
    const response = await execute({ inputs });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(outputs);
  });

  test('refuses an input of the wrong kind, as plain JSON where that is asked for', async () => {
    const response = await execute({ inputs: { document: { type: 'wrong/type_1' } } });
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({
      code: 'validation_error',
      errors: [{ pointer: '#/inputs/document' }],
    });
  });

  test('refuses a body that is no execute request', async () => {
    const response = await execute({ 'invalid-execute-request': 'true)' });
    expect(response.status).toBe(400);
    expect(await response.json()).toHaveProperty('type');
  });

  test('refuses an output that the process does not have', async () => {
    const response = await execute({ inputs: {}, outputs: { nothing: {} } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      errors: [{ pointer: '#/outputs/nothing', code: 'no_such_output' }],
    });
  });
});

describe('as a job', () => {
  test('makes a job with an absolute location, and links from its status to its results', async () => {
    const { location, jobID } = await startJob({ echo: 'teststring' });
    expect(location).toBe(`${root}/jobs/${jobID}`);
    await gateway.ended(jobID);
    const response = await fetch(location);
    expect(response.headers.get('content-type')).toContain('application/json');
    const status = (await response.json()) as { status: string; type: string; links: Described[] };
    expect(status).toMatchObject({
      status: 'successful',
      type: 'process',
      jobID,
      id: jobID,
      progress: 100,
    });
    const results = status.links.find(({ rel }) => rel === `${relations}/results`)?.href ?? '';
    expect(results).toBe(`${location}/results`);
    expect(await (await fetch(results)).text()).toContain('teststring');
  });

  test('tells that the results are not ready, and links to its status', async () => {
    const { location, jobID } = await startJob({ echo: 'teststring', pause: 30 });
    const results = await fetch(`${location}/results`);
    expect(results.status).toBe(404);
    expect(results.headers.get('content-type')).toBe('application/problem+json');
    expect(await results.json()).toMatchObject({ type: `${exceptions}/result-not-ready` });
    const { links } = (await readJson(location)) as { links: Described[] };
    expect(links.map(({ rel }) => rel)).toContain('monitor');

    const dismissed = await fetch(location, { method: 'DELETE' });
    expect(dismissed.status).toBe(200);
    expect(await dismissed.json()).toMatchObject({ status: 'dismissed', jobID });
    await gateway.ended(jobID);
    const after = await fetch(`${location}/results`);
    expect(after.status).toBe(404);
    expect(await after.json()).toMatchObject({ code: 'result_not_available' });
  });

  test.each(['', '/results'])(
    'answers an unknown job%s with the exception type of the standard',
    async (below) => {
      const response = await fetch(`${root}/jobs/00000000-0000-4000-8000-000000000000${below}`, {
        headers: { accept: 'application/json' },
      });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        type: `${exceptions}/no-such-job`,
        status: 404,
      });
    },
  );

  test('is in the list', async () => {
    const { jobID } = await startJob({ echo: 'teststring' });
    const { jobs } = (await readJson(`${root}/jobs?processID=echo&type=process`)) as {
      jobs: { jobID: string }[];
    };
    expect(jobs.map((job) => job.jobID)).toContain(jobID);
  });
});
