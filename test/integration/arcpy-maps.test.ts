import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import {
  writeArcMapDocument,
  writeMapFile,
  writeProject,
  writeZip,
} from '../support/arcpy-documents.ts';
import { ask, readMadeDefinition, run, test, untilRuntimeIs } from '../support/arcpy-test.ts';

const share = '\\\\files\\gis\\roads.gdb';

test('makes a definition of one map of a project, as it was asked for', async ({ house }) => {
  const { gateway, scenario } = house;
  const document = await writeProject(gateway.folder, {
    Draft: [{ name: 'Nothing' }],
    Roads: [
      { name: 'Roads', source: share },
      { name: 'Bridges', source: share },
    ],
  });

  const record = await run(
    gateway,
    'create-map-service-definition',
    {
      ...{ map: 'Roads', serviceName: 'Roads', folder: 'Transport', tags: ['roads', 'county'] },
      service: {
        maxRecordCount: 500,
        pooling: { minInstances: 2, maxInstances: 4 },
        extension: { feature: { isEnabled: true, featureCapabilities: ['Query', 'Create'] } },
      },
      edits: {
        timeouts: { usage: 1200 },
        extensions: [{ typeName: 'WMSServer', isEnabled: true }],
      },
    },
    { document },
  );

  expect(record.exception).toBeUndefined();
  expect(record.results).toMatchObject({
    ...{ serviceName: 'Roads', folder: 'Transport', type: 'MapServer', target: 'ENTERPRISE_11' },
    serviceDefinition: { name: 'Roads.sd', href: `/v1/artifacts/${record.jobId}` },
    copiedDatasets: [],
    findings: [
      { code: '24011', severity: 'warning', layer: 'Roads', copiesData: true },
      { code: '24011', layer: 'Bridges', fix: expect.stringContaining('Register') },
    ],
    changes: [
      expect.objectContaining({ after: '1200' }),
      expect.objectContaining({ place: 'Extensions/SVCExtension[WMSServer]/Enabled' }),
    ],
  });
  const definition = await readMadeDefinition(gateway, record);
  expect(definition).toMatchObject({
    ...{ serviceName: 'Roads', folder: 'Transport', runtime: 'ArcGIS Pro' },
    layers: [{ name: 'Roads' }, { name: 'Bridges' }],
  });
  expect(JSON.stringify(definition.extensions)).toContain(
    '"typeName":"WMSServer","isEnabled":true',
  );
  const [drafted] = await scenario.calls('exportToSDDraft');
  expect(drafted?.properties).toMatchObject({
    ...{
      offline: true,
      offlineTarget: 'ENTERPRISE_11',
      copyDataToServer: false,
      targetServer: null,
    },
    ...{ overwriteExistingService: false, serverFolder: 'Transport', tags: 'roads,county' },
    pooling: { minInstances: 2, maxInstances: 4 },
    extension: { feature: { isEnabled: true, featureCapabilities: 'Query,Create' } },
  });
});

test('imports a map file, with its data beside it, and leaves nothing on the worker', async ({
  house,
}) => {
  const { gateway, scenario } = house;
  const document = await writeMapFile(gateway.folder, [
    { name: 'Roads', source: '.\\roads.gdb' },
    { name: 'Gone', source: '.\\gone.gdb' },
  ]);
  const data = await writeZip(join(gateway.folder, 'data.zip'), { 'roads.gdb/a.gdbtable': 'x' });

  const analysis = await run(gateway, 'analyze-map', {}, { document, data });
  expect(analysis.results).toMatchObject({
    passes: false,
    isStaged: false,
    findings: expect.arrayContaining([
      expect.objectContaining({ code: '00003', severity: 'error', layer: 'Gone' }),
    ]),
  });
  const found = (analysis.results as { findings: { code: string }[] }).findings;
  expect(found.filter(({ code }) => code === '00003')).toHaveLength(1); // staging finds it again

  const failed = await run(
    gateway,
    'create-map-service-definition',
    { serviceName: 'Roads' },
    { document, data },
  );
  expect(failed).toMatchObject({
    status: 'failed',
    exception: {
      code: 'analysis_failed',
      detail: expect.stringMatching(/00003 \(Gone\).*Nothing was sent to the site/s),
      findings: expect.any(Array),
    },
  });
  expect((await fetch(`${gateway.url}/v1/artifacts/${failed.jobId}`)).status).toBe(404);

  const inputs = { serviceName: 'Roads', copyDataToServer: true };
  const whole = await writeMapFile(gateway.folder, [{ name: 'Roads', source: '.\\roads.gdb' }]);
  const made = await run(
    gateway,
    'create-map-service-definition',
    { ...inputs, ignore: ['24011'] },
    { document: whole, data },
  );
  expect(made.results).toMatchObject({ copiedDatasets: ['Roads'] });

  const last = (await scenario.calls('StageService')).at(-1);
  expect(existsSync(String(last?.cwd))).toBe(false);
  expect(await scenario.calls('importDocument')).toHaveLength(3);
});

test('a document of ArcMap is imported, and edited afterwards', async ({ house }) => {
  const { gateway, scenario } = house;
  const document = await writeArcMapDocument(gateway.folder);
  const layerFile = await writeMapFile(gateway.folder, [{ name: 'Roads', source: share }], 'More');

  const edit = { addLayers: [{}] };
  const record = await run(
    gateway,
    'create-map-service-definition',
    { serviceName: 'Old', target: 'ENTERPRISE_10x', edit },
    { document, layerFile },
  );

  expect(record.exception).toBeUndefined();
  expect(await readMadeDefinition(gateway, record)).toMatchObject({ layers: [{ name: 'Roads' }] });
  expect(await scenario.calls('importDocument')).toHaveLength(1);
});

test('findings about registered data are settled with the site', async ({
  openHouse,
  openSite,
}) => {
  const site = await openSite({ version: '11.3' } as object);
  const { url, username, password } = site;
  const { gateway } = await openHouse({ sites: { demo: { url, username, password } } });
  await run(gateway, 'register-folder', { site: 'demo', name: 'gis', path: '\\\\files\\gis' });
  const document = await writeMapFile(gateway.folder, [
    { name: 'Roads', source: share },
    { name: 'Rivers', source: 'D:\\rivers.gdb' },
  ]);

  const record = await run(
    gateway,
    'analyze-map',
    { site: 'demo', copiedData: 'refuse' },
    { document },
  );

  expect(record.results).toMatchObject({
    passes: false,
    findings: [
      { layer: 'Roads', registration: 'registered', severity: 'message', copiesData: false },
      { layer: 'Rivers', registration: 'not-registered', severity: 'warning', copiesData: true },
    ],
  });
});

test.for([
  [
    'as JSON',
    'WARNING 002893: Analyzer warnings were encountered ([{"code":"24011","message":"Not registered (really)","object":"Roads"}]).',
    1,
    { code: '24011', layer: 'Roads', severity: 'warning' },
  ],
  [
    'in another language',
    'AVERTISSEMENT 002893 : Des avertissements (de l’analyseur) : ([{"code": 10001, "message": "Projection", "object": "Routes"}]).',
    1,
    { code: '10001', layer: 'Routes' },
  ],
  [
    'as Python writes it',
    "WARNING 002893: Analyzer warnings were encountered ([{'code': '24012', 'message': 'Table', 'object': None}]).",
    1,
    { code: '24012' },
  ],
  [
    'in groups',
    'WARNING 002893: ({"warnings": [{"code": "20028", "message": "No reference", "object": "Roads"}], "errors": []}).',
    1,
    { code: '20028', layer: 'Roads' },
  ],
  [
    'as plain text',
    'WARNING 002893: Analyzer warnings were encountered, see the log.',
    1,
    { code: '002893', severity: 'warning', detail: expect.stringContaining('see the log') },
  ],
  [
    'as codes only',
    'ERROR 001272: Analyzer errors were encountered (codes = 147, 147).',
    2,
    { code: '00147', severity: 'error', concerns: 'site' },
  ],
] as [string, string, number, object][])(
  'reads findings %s',
  async ([, text, severity, finding], { house: { gateway, scenario } }) => {
    await scenario.play({ staging: { messages: [[severity, text]] } });
    const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);

    const record = await run(gateway, 'analyze-map', {}, { document });

    expect(record.results).toMatchObject({ isStaged: severity !== 2, findings: [finding] });
  },
);

test('warnings and copied data stop a job when it is asked for', async ({ house }) => {
  const { gateway } = house;
  await house.scenario.play({ offlineCopies: true });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads', source: 'D:\\roads.gdb' }]);
  const make = (inputs: object) =>
    run(
      gateway,
      'create-map-service-definition',
      { serviceName: 'Roads', ...inputs },
      { document },
    );

  expect(await make({ failOn: 'warning' })).toMatchObject({
    exception: { code: 'analysis_failed' },
  });
  expect(await make({ failOn: 'warning', ignore: ['24011'] })).toMatchObject({
    status: 'successful',
  });
  expect(await make({ copiedData: 'refuse', ignore: ['24011'] })).toMatchObject({
    exception: {
      code: 'copied_data_refused',
      copiedDatasets: ['Roads'],
      detail: expect.stringContaining('Nothing was sent'),
    },
  });
});

test('an older ArcPy: what it has no property for is set in its draft, or refused by name', async ({
  openHouse,
}) => {
  const { gateway } = await openHouse({ first: { version: '11.2' } });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads', source: share }]);
  const make = (service: object) =>
    run(gateway, 'create-map-service-definition', { serviceName: 'Roads', service }, { document });

  const made = await make({
    pooling: { minInstances: 3, maxInstances: 5 },
    extension: { feature: { isEnabled: true, featureCapabilities: ['Query'] } },
  });
  expect(made.exception).toBeUndefined();
  const definition = await readMadeDefinition(gateway, made);
  expect(JSON.stringify(definition)).toContain('"typeName":"FeatureServer","isEnabled":true');

  expect(await make({ timezone: { ID: 'UTC' } })).toMatchObject({
    exception: { code: 'arcpy_unsupported', properties: ['timezone.ID'] },
  });
});

test('refuses at once what can never work', async ({ house }) => {
  const { gateway } = house;
  const map = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
  const definition = await gateway.build();
  const refused = async (inputs: object, document: string) => {
    const all = { serviceName: 'Roads', ...inputs };
    return await ask(gateway, 'create-map-service-definition', all, { document });
  };

  expect(await refused({ target: 'ONLINE' }, map)).toMatchObject({
    status: 400,
    body: { code: 'hosted_definition' },
  });
  expect(await refused({ serverType: 'hosting' }, map)).toMatchObject({
    status: 400,
    body: { code: 'hosted_definition' },
  });
  expect(await refused({}, definition)).toMatchObject({
    status: 400,
    body: { code: 'unreadable_document' },
  });
  expect(await refused({ map: 'Other' }, map)).toMatchObject({
    status: 400,
    body: { detail: expect.any(String) },
  });
  expect(await refused({ serviceName: 'My Roads' }, map)).toMatchObject({
    status: 400,
    body: { code: 'validation_error' },
  });
  expect(await refused({ edit: { addLayers: [{}] } }, map)).toMatchObject({ status: 400 });
});

test('a federated server gets a map image layer, of some layers', async ({ house }) => {
  const { gateway, scenario } = house;
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }, { name: 'Bridges' }]);
  const inputs = {
    ...{ serviceName: 'Roads', serverType: 'federated', layers: ['Bridges'] },
    service: { useCIMSymbols: true, sharing: { sharingLevel: 'ORGANIZATION' } },
  };
  expect(await run(gateway, 'create-map-service-definition', inputs, { document })).toMatchObject({
    status: 'successful',
  });
  expect(await scenario.calls('getWebLayerSharingDraft')).toHaveLength(1);
  const [drafted] = await scenario.calls('exportToSDDraft');
  expect(drafted).toMatchObject({
    draft: 'MapImageSharingDraft',
    properties: { useCIMSymbols: true, offline: true },
  });
});

test.for([
  ['hostile names', { '../out.txt': 'x' }, /leads out of its folder/],
  ['names that only differ in case', { 'a.txt': 'x', 'A.TXT': 'y' }, /is there already/],
  ['the name of the document', { 'Map.mapx': 'x' }, /is there already/],
] as [string, Record<string, string>, RegExp][])(
  'data with %s are refused',
  async ([, files, words], { house: { gateway } }) => {
    const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
    const data = await writeZip(join(gateway.folder, 'data.zip'), files);
    expect(await run(gateway, 'analyze-map', {}, { document, data })).toMatchObject({
      status: 'failed',
      exception: { code: 'archive_rejected', detail: expect.stringMatching(words) },
    });
  },
);

test('a secret in a draft or a message reaches nobody', async ({ house }) => {
  const canary = '00022e68canary0123456789';
  const connection = `ENCRYPTED_PASSWORD=${canary};SERVER=db;INSTANCE=sde:postgresql:db;DATABASE=gis;USER=me;PASSWORD=canary-in-clear`;
  const first = {
    staging: { messages: [[1, `WARNING 003000: ${connection}`]] as [number, string][] },
    secretInDraft: connection,
  };
  const { gateway, scenario } = house;
  await house.scenario.play(first);
  const document = await writeMapFile(gateway.folder, [
    { name: 'Roads', source: connection, factory: 'SDE' },
  ]);

  const record = await run(
    gateway,
    'create-map-service-definition',
    { serviceName: 'Roads' },
    { document },
  );

  const told = JSON.stringify([record, await gateway.messages(record.jobId)]);
  expect(told).not.toContain('canary0123456789');
  expect(told).not.toContain('canary-in-clear');
  await scenario.play({ trouble: { stage: { raises: 'OSError', text: connection } } });
  const failed = await run(
    gateway,
    'create-map-service-definition',
    { serviceName: 'Roads' },
    { document },
  );
  expect(failed.status).toBe('failed');
  expect(JSON.stringify([failed, await gateway.messages(failed.jobId)])).not.toContain('canary');
});

test('a full disk while staging says where, and the folder of the job is gone', async ({
  house,
}) => {
  const { gateway, scenario } = house;
  await scenario.play({ trouble: { stage: { raises: 'ENOSPC' } } });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
  const failed = await run(
    gateway,
    'create-map-service-definition',
    { serviceName: 'Roads' },
    { document },
  );
  expect(failed.exception).toMatchObject({
    code: 'storage_exhausted',
    detail: expect.stringContaining('GiB free'),
  });
  const [call] = await scenario.calls('StageService');
  expect(existsSync(String(call?.cwd))).toBe(false);
});

test('a definition that cannot be looked into is kept with a warning, unless copied data are refused', async ({
  house: { gateway, scenario },
}) => {
  await scenario.play({ staging: { writes: 'of a kind that is not known' } });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
  const make = (inputs: object) =>
    run(
      gateway,
      'create-map-service-definition',
      { serviceName: 'Roads', ...inputs },
      { document },
    );

  expect(await make({ folder: 'Transport' })).toMatchObject({
    status: 'successful',
    results: { serviceName: 'Roads', folder: 'Transport', type: 'MapServer' },
    warnings: [expect.stringContaining('could not be looked into')],
  });
  expect(await make({ copiedData: 'refuse' })).toMatchObject({ status: 'failed' });
});

test('data that cannot be gathered are a matter of the worker, which is named with its room', async ({
  house: { gateway, scenario },
}) => {
  const messages: [number, string][] = [[2, 'FEHLER 001270: Die Daten wurden nicht konsolidiert.']];
  await scenario.play({ staging: { messages } });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
  const inputs = { serviceName: 'Roads' };

  const record = await run(gateway, 'create-map-service-definition', inputs, { document });

  expect(record.exception).toMatchObject({
    code: 'arcpy_failed',
    toolId: '001270',
    detail: expect.stringMatching(
      /gathered on the worker \S+ \([\d.]+ GiB free in \S+\): .*Nothing was sent to the site/,
    ),
  });
});

test('half of a definition is none, although ArcPy says that it staged it', async ({
  house: { gateway, scenario },
}) => {
  await scenario.play({ staging: { cutsBytes: 20 } });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
  const inputs = { serviceName: 'Roads' };

  const record = await run(gateway, 'create-map-service-definition', inputs, { document });

  expect(record.exception).toMatchObject({
    code: 'arcpy_failed',
    detail: expect.stringMatching(/only a part of it.*20 bytes are missing.*Nothing was sent/),
  });
  expect((await fetch(`${gateway.url}/v1/artifacts/${record.jobId}`)).status).toBe(404);
});

test('a map of a newer ArcGIS Pro is tried, with a warning, and a refusal says why', async ({
  house: { gateway, scenario },
}) => {
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }], 'Newer', '3.6.0');
  const age = expect.stringMatching(
    /saved by ArcGIS Pro 3\.6\.0, and ArcPy is that of 11\.5 \(ArcGIS Pro 3\.5\).*may not open/,
  );

  const { body } = await ask(gateway, 'analyze-map', {}, { document });
  const record = await gateway.ended(body.jobID);

  expect(record).toMatchObject({
    warnings: [age],
    exception: { code: 'arcpy_refused', detail: age },
  });
  await scenario.play({ version: '11.5' });
  const older = await writeMapFile(gateway.folder, [{ name: 'Roads' }], 'Older', '3.5.2');
  expect((await run(gateway, 'analyze-map', {}, { document: older })).warnings).toEqual([]);
});

test('a property that this ArcPy wants as a list gets one', async ({
  house: { gateway, scenario },
}) => {
  await scenario.play({ wantsLists: ['featureCapabilities'] });
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
  const feature = { isEnabled: true, featureCapabilities: ['Query', 'Create'] };
  const inputs = { serviceName: 'Roads', service: { extension: { feature } } };

  const record = await run(gateway, 'create-map-service-definition', inputs, { document });

  expect(record.exception).toBeUndefined();
  const [drafted] = await scenario.calls('exportToSDDraft');
  expect(drafted?.properties).toMatchObject({ extension: { feature } });
});

test('ten jobs on one machine come to their end one by one', async ({ openHouse }) => {
  const { gateway, scenario } = await openHouse({ arcpy: { jobsPerProcess: 4 } });
  await untilRuntimeIs(gateway, 'idle');
  const document = await writeMapFile(gateway.folder, [{ name: 'Roads' }]);
  const asked = await Promise.all(
    Array.from({ length: 10 }, (_, job) =>
      ask(gateway, 'create-map-service-definition', { serviceName: `Roads${job}` }, { document }),
    ),
  );
  const ended = await Promise.all(asked.map(({ body }) => gateway.ended(body.jobID)));
  expect(ended.map(({ status }) => status)).toEqual(Array(10).fill('successful'));
  expect(await scenario.calls('import')).toHaveLength(3);
  await mkdir(gateway.folder, { recursive: true });
  expect(await readdir(join(gateway.folder, 'storage', 'artifacts'))).toHaveLength(20);
});
