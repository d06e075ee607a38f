import { openAsBlob } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ask, askJson, publishing, storedFiles, toForm } from '../support/asking.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';

const demo = { url: 'http://127.0.0.1:9', username: 'publisher', password: 'unused' };

let gateway: Gateway;
let definition: Blob;

beforeAll(async () => {
  gateway = await openGateway({
    sites: { demo },
    hasWorker: false,
    settings: { conformanceEcho: true },
  });
  definition = await openAsBlob(await gateway.build());
});
afterAll(() => gateway.close());

async function upload(): Promise<string> {
  const form = toForm([['file', definition, 'roads.sd']]);
  const { body } = await ask(gateway, '/v1/uploads', { method: 'POST', body: form });
  return String(body.id);
}

async function countJobs(): Promise<number> {
  const { body } = await ask(gateway, '/v1/jobs?limit=1000');
  return (body.jobs as unknown[]).length;
}

describe('JSON', () => {
  test('makes a job that is there at once', async () => {
    const id = await upload();
    const answer = await askJson(gateway, publishing, {
      inputs: {
        site: 'demo',
        folder: { value: 'Transport' },
        serviceDefinition: { href: `${gateway.url}/v1/uploads/${id}` },
      },
      labels: ['nightly', 'roads'],
      reference: 'build-7',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`${gateway.url}/v1/jobs/${answer.body.jobID}`);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(answer.body).toMatchObject({
      status: 'accepted',
      progress: 0,
      attempt: 0,
      site: 'demo',
      labels: ['nightly', 'roads'],
      reference: 'build-7',
    });
    const there = await ask(gateway, answer.headers.get('location') ?? '');
    expect(there.body).toMatchObject({ jobID: answer.body.jobID, waitingFor: { reason: 'slot' } });
    const record = await gateway.core.records.find(answer.body.jobID);
    expect(record?.params).toMatchObject({
      folder: 'Transport',
      ifExists: 'fail',
      serviceDefinition: { href: `/v1/uploads/${id}` },
    });
    expect(record?.uploads).toEqual([id]);
  });

  test('names the sites there are when it does not know one', async () => {
    const { status, body } = await askJson(gateway, publishing, {
      inputs: { site: 'nowhere', serviceDefinition: { href: '/x' } },
    });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'unknown_site', errors: [{ pointer: '#/inputs/site' }] });
    expect(body.detail).toContain('demo');
  });

  test.each([
    [
      'a file that is no upload',
      { serviceDefinition: { href: 'https://elsewhere.example/roads.sd' } },
      '#/inputs/serviceDefinition/href',
    ],
    [
      'an upload that never was',
      { serviceDefinition: { href: '/v1/uploads/00000000-0000-4000-8000-000000000000' } },
      '#/inputs/serviceDefinition/href',
    ],
    [
      'a name with a slash and a tilde',
      { 'a/b~c d': 1, serviceDefinition: { href: '/x' } },
      '#/inputs/a~1b~0c%20d',
    ],
    [
      'an unknown wish',
      { ifExists: 'maybe', serviceDefinition: { href: '/x' } },
      '#/inputs/ifExists',
    ],
  ])('points at %s', async (_what, inputs, pointer) => {
    const { status, body } = await askJson(gateway, publishing, {
      inputs: { site: 'demo', ...inputs },
    });
    expect(status).toBe(400);
    expect(body.code).toBe('validation_error');
    expect((body.errors as { pointer: string }[]).map((each) => each.pointer)).toContain(pointer);
  });
});

describe('multipart', () => {
  test.each([
    ['before', 0],
    ['after', 4],
  ])('takes the file %s the other parts', async (_where, position) => {
    const parts: Parameters<typeof toForm>[0] = [
      ['site', 'demo'],
      ['keep', 'instances'],
      ['keep', 'limits'],
      ['overrides', '{"minInstancesPerNode": 2}'],
      ['inputs', '{"requireRestorable": true}'],
      ['labels', 'a'],
      ['labels', 'b'],
      ['reference', 'r'],
    ];
    parts.splice(position, 0, ['serviceDefinition', definition, 'roads.sd']);
    const { status, body } = await ask(gateway, publishing, {
      method: 'POST',
      body: toForm(parts),
    });
    expect(body).toMatchObject({ status: 'accepted', labels: ['a', 'b'], reference: 'r' });
    expect(status).toBe(201);
    const record = await gateway.core.records.find(body.jobID);
    expect(record?.params).toMatchObject({
      site: 'demo',
      keep: ['instances', 'limits'],
      overrides: { minInstancesPerNode: 2 },
      requireRestorable: true,
    });
    const [uploadId = ''] = record?.uploads ?? [];
    expect((await ask(gateway, `/v1/uploads/${uploadId}`)).body).toMatchObject({
      name: 'roads.sd',
      content: { serviceName: 'Roads' },
    });
  });

  type Parts = Parameters<typeof toForm>[0];
  const file: Parts[number] = ['serviceDefinition', new Blob(['placeholder']), 'roads.sd'];
  test.each<[string, Parts, number, string]>([
    ['the same input twice', [['site', 'demo'], ['site', 'demo'], file], 400, '#/inputs/site'],
    [
      'an input in two places',
      [['inputs', '{"site": "demo"}'], ['site', 'demo'], file],
      400,
      '#/inputs/site',
    ],
    ['two files for one input', [['site', 'demo'], file, file], 400, '#/inputs/serviceDefinition'],
    ['a part that is no input', [file, ['color', 'red']], 400, '#/inputs/color'],
    [
      'a file that belongs nowhere',
      [file, ['folder', new Blob(['x']), 'x']],
      400,
      '#/inputs/folder',
    ],
    ['a text where JSON belongs', [file, ['overrides', 'none']], 400, '#/inputs/overrides'],
    ['no site', [file], 400, '#/inputs/site'],
  ])('refuses %s, and keeps nothing of it', async (_what, given, status, pointer) => {
    const before = await storedFiles(gateway);
    const parts = given.map((part): Parts[number] =>
      part === file ? ['serviceDefinition', definition, 'roads.sd'] : part,
    );
    const answer = await ask(gateway, publishing, { method: 'POST', body: toForm(parts) });
    expect(answer.status).toBe(status);
    expect(answer.body.errors).toMatchObject([{ pointer }]);
    expect(await storedFiles(gateway)).toEqual(before);
  });

  /** Begins a body whose file never ends. */
  function beginForm(parts: string): Socket {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST ${publishing} HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n` +
        `Content-Type: multipart/form-data; boundary=b\r\n\r\n${parts}--b\r\n` +
        'Content-Disposition: form-data; name="serviceDefinition"; filename="a.sd"\r\n\r\n' +
        'x'.repeat(200_000),
    );
    return socket;
  }

  test('refuses an unknown site before it has the file', async () => {
    const socket = beginForm(
      '--b\r\nContent-Disposition: form-data; name="site"\r\n\r\nnowhere\r\n',
    );
    const answer = await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    expect(String(answer)).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"unknown_site"/);
  });

  test('refuses a file that is no service definition, and keeps nothing of it', async () => {
    const before = await storedFiles(gateway);
    const form = toForm([
      ['site', 'demo'],
      ['serviceDefinition', new Blob(['a text']), 'roads.sd'],
    ]);
    const { status } = await ask(gateway, publishing, { method: 'POST', body: form });
    expect(status).toBe(400);
    expect(await storedFiles(gateway)).toEqual(before);
  });

  test('keeps nothing of a body that breaks off', async () => {
    const before = await storedFiles(gateway);
    const socket = beginForm('');
    await vi.waitFor(
      async () => expect((await storedFiles(gateway)).length).toBeGreaterThan(before.length),
      10_000,
    );
    socket.destroy();
    await vi.waitFor(async () => expect(await storedFiles(gateway)).toEqual(before), 10_000);
  });
});

describe('Idempotency-Key', () => {
  const echo = '/v1/processes/echo/execution';
  const send = (body: unknown, key: string) =>
    askJson(gateway, echo, body, { prefer: 'respond-async', 'idempotency-key': key });

  test('answers a repetition as the first request', async () => {
    const first = await send({ inputs: { echo: 'a' }, labels: ['x'] }, '"key-of-the-first-job"');
    const again = await send({ labels: ['x'], inputs: { echo: 'a' } }, 'key-of-the-first-job');
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect([again.status, again.body]).toEqual([first.status, first.body]);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
  });

  test('refuses the key for another request, and makes no job of it', async () => {
    await send({ inputs: { echo: 'a' } }, 'key-that-is-used-twice');
    const before = await countJobs();
    const { status, body } = await send({ inputs: { echo: 'b' } }, 'key-that-is-used-twice');
    expect([status, body.code]).toEqual([422, 'idempotency_key_reused']);
    expect(await countJobs()).toBe(before);
  });

  test('makes one job of twenty requests at a time', async () => {
    const before = await countJobs();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        send({ inputs: { echo: 'a' } }, 'key-of-a-crowd-of-requests'),
      ),
    );
    expect(new Set(answers.map(({ status }) => status)).size).toBeLessThanOrEqual(2);
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
    expect(new Set(answers.flatMap(({ body }) => body.jobID ?? [])).size).toBe(1);
    expect(await countJobs()).toBe(before + 1);
  });

  test('leaves the key free when the request was refused', async () => {
    expect((await send({ inputs: { echo: 7 } }, 'key-that-is-corrected')).status).toBe(400);
    expect((await send({ inputs: { echo: '7' } }, 'key-that-is-corrected')).status).toBe(201);
  });

  test('knows a file by its content', async () => {
    const publish = (content: Blob) =>
      ask(gateway, publishing, {
        method: 'POST',
        headers: { 'idempotency-key': 'key-of-a-form-with-a-file' },
        body: toForm([
          ['site', 'demo'],
          ['serviceDefinition', content, 'roads.sd'],
        ]),
      });
    const first = await publish(definition);
    const files = await storedFiles(gateway);
    const again = await publish(definition);
    expect([first.status, again.status, again.body.jobID]).toEqual([201, 201, first.body.jobID]);
    const other = await publish(await openAsBlob(await gateway.build({ serviceName: 'Other' })));
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    expect(await storedFiles(gateway)).toEqual(files);
  });

  test.each(['short', 'with a blank in the middle', `"${'x'.repeat(256)}"`])(
    'refuses %s as a key',
    async (key) => {
      const { status, body } = await send({ inputs: {} }, key);
      expect([status, body.code]).toEqual([400, 'malformed_request']);
    },
  );
});

describe('Prefer', () => {
  async function publishWith(
    headers: [string, string][],
    reference = 'any',
  ): Promise<Awaited<ReturnType<typeof ask>>> {
    const serviceDefinition = { href: `/v1/uploads/${await upload()}` };
    return ask(gateway, publishing, {
      method: 'POST',
      headers: [['content-type', 'application/json'], ...headers],
      body: JSON.stringify({ inputs: { site: 'demo', serviceDefinition }, reference }),
    });
  }

  test('holds the answer until the job has ended', async () => {
    const asked = publishWith([['prefer', 'wait=50']], 'held');
    const jobId = await vi.waitFor(async () => {
      const { body } = await ask(gateway, '/v1/jobs?reference=held');
      const [job] = body.jobs as { jobID: string }[];
      return job?.jobID ?? expect.fail('not there yet');
    }, 10_000);
    const { records } = gateway.core;
    const attempt = (await records.begin(jobId, 'test')) ?? 0;
    await records.change(jobId, attempt, 'ended', {
      status: 'successful',
      results: { outcome: 'created' },
    });
    const answer = await asked;
    expect(answer.status).toBe(201);
    expect(answer.headers.get('preference-applied')).toBe('wait=50');
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(answer.body.status).toBe('successful');
  });

  test('answers when the time is over, whether one line or two say so', async () => {
    const answers = await Promise.all([
      publishWith([['prefer', 'respond-async, wait=1']]),
      publishWith([
        ['prefer', 'respond-async'],
        ['prefer', 'wait=1'],
      ]),
    ]);
    for (const { status, headers, body } of answers) {
      expect([status, body.status, headers.get('preference-applied')]).toEqual([
        201,
        'accepted',
        'respond-async, wait=1',
      ]);
    }
  });

  test('holds nobody back when the process stops', async () => {
    const stopping = await openGateway({
      sites: {},
      hasWorker: false,
      settings: { conformanceEcho: true },
    });
    const headers = { prefer: 'respond-async, wait=50' };
    const asked = askJson(stopping, '/v1/processes/echo/execution', { inputs: {} }, headers);
    await vi.waitFor(async () => {
      const { body } = await ask(stopping, '/v1/jobs');
      expect(body.jobs).toHaveLength(1);
    }, 10_000);
    const [answer] = await Promise.all([asked, stopping.close()]);
    expect([answer.status, answer.body.status]).toEqual([201, 'accepted']);
  }, 20_000);

  test('passes over what it does not know', async () => {
    const { status, headers } = await publishWith([['prefer', 'nonsense; of=x, wait=soon']]);
    expect([status, headers.get('preference-applied')]).toEqual([201, null]);
  });
});
