import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { removeArtifact } from '../../src/jobs/artifact-records.ts';
import { type MapLayerSpec, writeMapFile, writeZip } from '../support/arcpy-documents.ts';
import { ask, run, test } from '../support/arcpy-test.ts';

const share = '\\\\files\\gis\\roads.gdb';

function addressOf(site: { url: string; username: string; password: string }) {
  const { url, username, password } = site;
  return { url, username, password };
}

test('publishes a map in one request, and registers its folder at the same time', async ({
  openSite,
  openHouse,
}) => {
  const site = await openSite();
  const { gateway, scenario } = await openHouse({ sites: { demo: addressOf(site) } });
  const document = await writeMapFile(gateway.folder, [
    { name: 'Roads', source: '\\\\test\\gis\\roads.gdb' },
    { name: 'Bridges', source: '\\\\test\\gis\\roads.gdb' },
  ]);
  const inputs = {
    ...{ site: 'demo', serviceName: 'Roads', folder: 'Transport', registerData: true },
    edit: {
      changeSources: [
        { from: { wildcard: '\\\\test\\gis\\*' }, to: { path: '\\\\files\\gis\\{1}' } },
      ],
    },
    edits: { instances: { max: 3 } },
  };

  const record = await run(gateway, 'publish-map', inputs, { document });

  expect(record.exception).toBeUndefined();
  expect(record.results).toMatchObject({
    childCount: 3,
    services: [
      {
        site: 'demo',
        registeredFolders: ['\\\\files\\gis'],
        definition: { target: 'ENTERPRISE_10x', findings: [{ code: '24011' }, { code: '24011' }] },
        published: {
          outcome: 'created',
          verification: 'data',
          service: {
            folder: 'Transport',
            name: 'Roads',
            layers: [{ name: 'Roads' }, { name: 'Bridges' }],
          },
          referencedData: [{ item: expect.stringContaining('fileShares') }, {}],
        },
      },
    ],
  });
  const [drafted] = await scenario.calls('exportToSDDraft');
  expect(drafted?.properties).toMatchObject({
    offlineTarget: 'ENTERPRISE_10x',
    targetServer: null,
  });

  // The same again: nothing is registered, and the service is replaced.
  const again = await run(gateway, 'publish-map', { ...inputs, ifExists: 'replace' }, { document });
  expect(again.exception).toBeUndefined();
  expect(again.results).toMatchObject({
    services: [
      { registeredFolders: [], definition: { findings: [{ registration: 'registered' }, {}] } },
    ],
  });
});

test('a folder of data that came along is registered all the same, and that is said', async ({
  openSite,
  openHouse,
}) => {
  const site = await openSite();
  const { gateway } = await openHouse({
    sites: { demo: addressOf(site) },
    first: { offlineCopies: true },
  });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads', source: share }]);
  const inputs = { site: 'demo', serviceName: 'Roads', registerData: true };

  const record = await run(gateway, 'publish-map', inputs, { document });

  expect(record).toMatchObject({
    results: {
      services: [
        { registeredFolders: ['\\\\files\\gis'], definition: { copiedDatasets: ['Roads'] } },
      ],
    },
    warnings: [expect.stringMatching(/registered with demo after .*as they are today/)],
  });
  const made = await run(
    gateway,
    'create-map-service-definition',
    { site: 'demo', serviceName: 'Roads' },
    { document },
  );
  expect(made).toMatchObject({
    results: { findings: [{ registration: 'registered' }] },
    warnings: [expect.stringMatching(/has .*roads\.gdb registered.*copied its data/)],
  });
});

test('findings stop before anything is sent, and are in the problem', async ({
  openSite,
  openHouse,
}) => {
  const site = await openSite();
  const { gateway } = await openHouse({ sites: { demo: addressOf(site) } });
  const document = await writeMapFile(gateway.folder, []);

  const record = await run(
    gateway,
    'publish-map',
    { site: 'demo', serviceName: 'Roads' },
    { document },
  );

  expect(record).toMatchObject({
    status: 'failed',
    exception: {
      code: 'analysis_failed',
      detail: expect.stringMatching(/00001.*Nothing was sent to the site/s),
      findings: [{ code: '00001', severity: 'error', fix: 'Add layers' }],
    },
  });
  const services = await fetch(`${gateway.url}/v1/sites/demo/services`);
  expect(await services.json()).toMatchObject({ services: [] });
});

test('each site gets a definition for its version; a retry does only what is left', async ({
  openSite,
  openHouse,
}) => {
  const [old, young] = [await openSite(), await openSite({ version: '11.3' })];
  const { gateway, scenario } = await openHouse({
    sites: { old: addressOf(old), young: addressOf(young) },
  });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads', source: share }]);
  const inputs = { sites: ['old', 'young'], serviceName: 'Roads', copyDataToServer: true };
  await run(gateway, 'publish-map', { ...inputs, sites: ['old'] }, { document });
  await scenario.play({});

  const record = await run(gateway, 'publish-map', inputs, { document });

  expect(record).toMatchObject({ status: 'failed', exception: { code: 'children_failed' } });
  const targets = (await scenario.calls('exportToSDDraft')).map(
    ({ properties }) => (properties as { offlineTarget: string }).offlineTarget,
  );
  expect(targets.sort()).toEqual(['ENTERPRISE_10x', 'ENTERPRISE_11']);

  // One definition is not kept any more: it is made again, and the other is not.
  const rows = await gateway.core.childRows.readAll(record.jobId);
  const swept = rows.find(({ key }) => key === 'definition for young')?.jobID ?? '';
  await removeArtifact(gateway.storage, swept);

  const response = await fetch(`${gateway.url}/v1/jobs/${record.jobId}/retry`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: { ifExists: 'replace' } }),
  });
  const { jobID } = (await response.json()) as { jobID: string };
  const retried = await gateway.ended(jobID);
  expect(retried.exception).toBeUndefined();
  const again = (await scenario.calls('exportToSDDraft')).slice(2);
  expect(again).toMatchObject([{ properties: { offlineTarget: 'ENTERPRISE_11' } }]);
});

test('imagery, tools and locators are published the same way', async ({ openSite, openHouse }) => {
  const site = await openSite();
  const { gateway } = await openHouse({ sites: { demo: addressOf(site) } });
  const file = async (name: string, text = 'II*\0') => {
    await writeFile(join(gateway.folder, name), text);
    return join(gateway.folder, name);
  };
  const content = JSON.stringify({ toolsets: { '<root>': { tools: ['CleanRoads'] } } });
  const toolbox = await writeZip(join(gateway.folder, 'roads.atbx'), {
    'toolbox.content': content,
  });
  const tools = [{ name: 'CleanRoads', parameters: { in_features: 'x' } }];
  const asked: [string, object, Record<string, string>][] = [
    [
      'publish-image',
      { serviceName: 'Ortho', copyDataToServer: true },
      { data: await file('ortho.tif') },
    ],
    ['publish-geoprocessing', { serviceName: 'Clean', tools }, { toolbox }],
    [
      'publish-geocode',
      { serviceName: 'Streets' },
      { locator: await file('a.loc'), locatorData: await file('a.loz') },
    ],
  ];
  const jobs = await Promise.all(
    asked.map(([process, inputs, files]) =>
      ask(gateway, process, { site: 'demo', ...inputs }, files),
    ),
  );
  const ended = await Promise.all(jobs.map(({ body }) => gateway.ended(body.jobID)));
  expect(ended.map(({ exception }) => exception)).toEqual([undefined, undefined, undefined]);
  expect(ended.map(({ results }) => results)).toMatchObject([
    { services: [{ published: { service: { type: 'ImageServer' } } }] },
    { services: [{ published: { service: { type: 'GPServer' } } }] },
    { services: [{ published: { service: { type: 'GeocodeServer' } } }] },
  ]);
});

test('a folder of maps: each becomes a service, and one that cannot does not keep the others', async ({
  openSite,
  openHouse,
}) => {
  const site = await openSite();
  const { gateway } = await openHouse({ sites: { demo: addressOf(site) } });
  const mapOf = async (layers: MapLayerSpec[]) =>
    readFile(await writeMapFile(gateway.folder, layers), 'utf8');
  const source = await writeZip(join(gateway.folder, 'maps.zip'), {
    'county/Main Roads.mapx': await mapOf([{ name: 'Roads', source: '.\\roads.gdb' }]),
    'county/roads.gdb/a.gdbtable': 'x',
    'Empty.mapx': await mapOf([]),
    'Bridges.mapx': await mapOf([{ name: 'Bridges', source: 'county/roads.gdb' }]),
  });
  const inputs = { site: 'demo', folder: 'Transport', copyDataToServer: true };

  const record = await run(gateway, 'publish-maps', inputs, { source });

  expect(record.exception).toMatchObject({
    code: 'children_failed',
    children: { total: 3, successful: 2, failed: 1 },
    failedChildren: [{ key: 'Empty.mapx on demo', code: 'analysis_failed' }],
  });
  const listed = await fetch(`${gateway.url}/v1/sites/demo/services?folder=Transport`);
  const { services } = (await listed.json()) as { services: { serviceName: string }[] };
  expect(services.map(({ serviceName }) => serviceName).sort()).toEqual(['Bridges', 'Main_Roads']);

  const twins = await writeZip(join(gateway.folder, 'twins.zip'), {
    'a b.mapx': '{}',
    'A_b.mxd': '',
  });
  expect(await run(gateway, 'publish-maps', inputs, { source: twins })).toMatchObject({
    exception: { detail: expect.stringContaining('would become one service') },
  });
});
