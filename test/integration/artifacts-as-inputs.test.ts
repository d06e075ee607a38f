import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, askJson, storedFiles, toForm } from '../support/asking.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';
import { featureLayer, inDatabase, mapFile } from '../support/map-files.ts';

const site = { url: 'http://127.0.0.1:9', username: 'publisher', password: 'unused' };
const execution = (process: string) => `/v1/processes/${process}/execution`;

let gateway: Gateway;

beforeAll(async () => {
  gateway = await openGateway({ sites: { demo: site } });
});
afterAll(() => gateway.close());

async function edit(document: string | Blob, inputs: Record<string, string>): Promise<string> {
  const form = toForm([
    ['document', typeof document === 'string' ? new Blob([document]) : document, 'roads.mapx'],
    ...Object.entries(inputs),
  ]);
  const process = inputs.replace === undefined ? 'edit-map' : 'edit-service-definition-draft';
  const { body } = await ask(gateway, execution(process), { method: 'POST', body: form });
  const job = await gateway.ended(body.jobID);
  expect(job.exception).toBeUndefined();
  return body.jobID;
}

const map = mapFile({ layers: [featureLayer('Roads', inDatabase('transport.dbo.Roads'))] });
const pointElsewhere = JSON.stringify([{ from: { host: 'gis-test' }, to: { host: 'gis-prod' } }]);

test('the file that a job made is the input of the next one', async () => {
  const artifactId = await edit(map, { changeSources: pointElsewhere });
  const before = await storedFiles(gateway);
  for (const href of [`/v1/artifacts/${artifactId}`, `${gateway.url}/v1/artifacts/${artifactId}`]) {
    const { status, body } = await askJson(gateway, execution('inspect-document'), {
      inputs: { document: { href, type: 'application/json' } },
    });
    expect(status).toBe(201);
    const job = await gateway.ended(body.jobID);
    expect(job.results).toMatchObject({
      name: 'roads-edited.mapx',
      content: { maps: [{ layers: [{ connections: [{ host: 'gis-prod' }] }] }] },
    });
    expect(job.uploads).toHaveLength(1);
    expect((job.params as { document: unknown }).document).toEqual({
      href: `/v1/uploads/${job.uploads[0]}`,
    });
  }
  expect(await storedFiles(gateway)).toHaveLength(before.length + 2);
});

test('an edited definition is accepted for publishing, looked into like an upload', async () => {
  const definition = new Blob([await readFile(await gateway.build())]);
  const artifactId = await edit(definition, { serviceName: 'Streets', replace: 'true' });
  const { status, body } = await askJson(gateway, execution('publish-service-definition'), {
    inputs: { site: 'demo', serviceDefinition: { href: `/v1/artifacts/${artifactId}` } },
  });
  expect(status).toBe(201);
  const record = await gateway.core.records.find(body.jobID);
  expect(record?.locks).toEqual(['demo:service:streets.mapserver']);
});

test('what is refused leaves no copy behind, and what is not there is named', async () => {
  const artifactId = await edit(map, { changeSources: pointElsewhere });
  const before = await storedFiles(gateway);
  const wrongKind = await askJson(gateway, execution('publish-service-definition'), {
    inputs: { site: 'demo', serviceDefinition: { href: `/v1/artifacts/${artifactId}` } },
  });
  expect([wrongKind.status, wrongKind.body.code]).toEqual([400, 'unreadable_document']);
  const gone = await askJson(gateway, execution('inspect-document'), {
    inputs: { document: { href: '/v1/artifacts/0197a3f0-1111-7abc-8def-0123456789ab' } },
  });
  expect([gone.status, gone.body.errors]).toEqual([
    400,
    [expect.objectContaining({ code: 'artifact_not_found', pointer: '#/inputs/document/href' })],
  ]);
  expect(await storedFiles(gateway)).toEqual(before);
});
