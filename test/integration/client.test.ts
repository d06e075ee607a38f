import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createPressroomClient,
  PressroomError,
  type StatusInfo,
} from '../../src/client/pressroom-client.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';

const site = { url: 'http://127.0.0.1:9', username: 'publisher', password: 'unused' };

let gateway: Gateway;
let client: ReturnType<typeof createPressroomClient>;

beforeAll(async () => {
  gateway = await openGateway({ sites: { demo: site }, settings: { conformanceEcho: true } });
  client = createPressroomClient({ baseUrl: `${gateway.url}/` });
});
afterAll(() => gateway.close());

test('uploads a file and asks for a job', async () => {
  const upload = await client.uploadFile(await gateway.build());
  expect(upload).toMatchObject({
    name: expect.stringMatching(/\.sd$/),
    content: { serviceName: 'Roads' },
  });
  const fromMemory = await client.uploadFile(new Blob(['a text']), { name: 'a.txt' });
  expect(fromMemory).toMatchObject({ name: 'a.txt', sizeBytes: 6 });

  const serviceDefinition = { href: `/v1/uploads/${upload.id}` };
  const { data: job } = await client.api.POST(
    '/v1/processes/publish-service-definition/execution',
    {
      body: { inputs: { site: 'demo', serviceDefinition } },
    },
  );
  expect(job).toMatchObject({ processID: 'publish-service-definition', site: 'demo' });
});

test('waits for a job and reads its results', async () => {
  const job = await client.execute(
    'echo',
    { echo: 'hello' },
    { labels: ['a'], reference: 'b', idempotencyKey: randomUUID() },
  );
  const seen: StatusInfo[] = [];
  const ended = await client.waitForJob(job.jobID, { onStatus: (status) => seen.push(status) });
  expect(ended).toMatchObject({ status: 'successful', labels: ['a'], reference: 'b' });
  expect(seen.at(-1)).toEqual(ended);
  expect(await client.readResults(job.jobID)).toEqual({ echo: 'hello' });
});

test('throws what the gateway says', async () => {
  const inputs = { site: 'nowhere', serviceDefinition: { href: '/v1/uploads/none' } };
  const refused = client.execute('publish-service-definition', inputs);
  await expect(refused).rejects.toThrow(PressroomError);
  await expect(refused).rejects.toMatchObject({ problem: { code: 'unknown_site', status: 400 } });
});

test('knows the inputs of each process', async () => {
  const serviceDefinition = { href: '/v1/uploads/none' };
  // @ts-expect-error an input that the process does not have
  const strange = client.execute('publish-service-definition', { serviceDefinition, color: 'red' });
  await expect(strange).rejects.toMatchObject({ problem: { code: 'validation_error' } });
});

test('stops waiting when it is told to', async () => {
  const job = await client.execute('echo', { pause: 50 });
  const reason = new Error('enough');
  const stop = new AbortController();
  const waiting = client.waitForJob(job.jobID, {
    signal: stop.signal,
    onStatus: () => stop.abort(reason),
  });
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError', cause: reason });
});
