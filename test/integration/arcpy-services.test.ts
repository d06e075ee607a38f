import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { writeZip } from '../support/arcpy-documents.ts';
import { ask, readMadeDefinition, run, test, untilRuntimeIs } from '../support/arcpy-test.ts';

async function writeToolbox(folder: string): Promise<string> {
  const content = { toolsets: { '<root>': { tools: ['CleanRoads', 'CountRoads'] } } };
  return writeZip(join(folder, 'roads.atbx'), { 'toolbox.content': JSON.stringify(content) });
}

const image = 'create-image-service-definition';
const geoprocessing = 'create-geoprocessing-service-definition';
const geocode = 'create-geocode-service-definition';

test('an image service of a raster that comes along', async ({ house: { gateway, scenario } }) => {
  const data = join(gateway.folder, 'ortho.tif');
  await writeFile(data, 'II*\0 a raster');
  const service = {
    maxImageHeight: 2000,
    allowedCompressions: ['JPEG', 'LERC'],
    hasLiveData: false,
  };

  const record = await run(
    gateway,
    image,
    { serviceName: 'Ortho', folder: 'Imagery', service },
    { data },
  );

  expect(record.exception).toBeUndefined();
  expect(record.results).toMatchObject({
    type: 'ImageServer',
    folder: 'Imagery',
    findings: [{ code: '24011' }],
  });
  expect(await readMadeDefinition(gateway, record)).toMatchObject({
    type: 'ImageServer',
    serviceName: 'Ortho',
  });
  const [drafted] = await scenario.calls('exportToSDDraft');
  expect(drafted).toMatchObject({
    draft: 'ImageSharingDraft',
    properties: {
      ...service,
      allowedCompressions: 'JPEG,LERC',
      copyDataToServer: false,
      offline: true,
    },
  });
  // The documentation of ImageSharingDraft has no such property: setting it raises.
  expect(drafted?.properties).not.toHaveProperty('offlineTarget');
});

test('a mosaic dataset in a ZIP is analyzed first when that is asked for', async ({
  house: { gateway },
}) => {
  const data = await writeZip(join(gateway.folder, 'mosaic.zip'), { 'county.gdb/mosaic/a': 'x' });
  const inputs = { path: 'county.gdb/mosaic', analyzeMosaic: true };
  expect(await run(gateway, 'analyze-image', inputs, { data })).toMatchObject({
    status: 'successful',
    results: { isStaged: true },
  });
  expect(await run(gateway, 'analyze-image', { path: '/no/such/raster' })).toMatchObject({
    exception: { code: 'arcpy_refused', detail: expect.stringContaining('/no/such/raster') },
  });
  expect(await ask(gateway, 'analyze-image', { path: '../../etc' }, { data })).toMatchObject({
    status: 400,
  });
  expect(await ask(gateway, 'analyze-image', {})).toMatchObject({ status: 400 });
});

test('an older ArcPy drafts images the old way, whose findings come as a dict', async ({
  openHouse,
}) => {
  const analysis = {
    warnings: [['Not registered', 24011, ['Ortho']]],
    messages: [['Nothing', 10045, null]],
    errors: [],
  } as Record<string, [string, number, string[] | null][]>;
  const { gateway, scenario } = await openHouse({ first: { version: '11.2', analysis } });
  const data = join(gateway.folder, 'ortho.tif');
  await writeFile(data, 'II*\0 a raster');
  const make = (service: object) =>
    run(
      gateway,
      image,
      { serviceName: 'Ortho', service, replace: true, description: 'All of it' },
      { data },
    );

  const record = await make({ maxImageHeight: 2000, pooling: { maxInstances: 7 } });

  expect(record.exception).toBeUndefined();
  expect(record.results).toMatchObject({
    findings: expect.arrayContaining([
      expect.objectContaining({ code: '24011', layer: 'Ortho', severity: 'warning' }),
      expect.objectContaining({ code: '10045' }),
    ]),
  });
  expect(await readMadeDefinition(gateway, record)).toMatchObject({ publishType: 'Replacement' });
  expect(await scenario.calls('CreateImageSDDraft')).toEqual([
    expect.objectContaining({ copies: false, connection: '' }),
  ]);
  expect(await make({ DEM: 'x' })).toMatchObject({
    exception: { code: 'arcpy_unsupported', properties: ['DEM'] },
  });
  await scenario.play({ version: '11.2', analysis: { errors: [['Broken', 3, ['Ortho']]] } });
  expect(await make({})).toMatchObject({
    exception: { code: 'analysis_failed', findings: [{ code: '00003', layer: 'Ortho' }] },
  });
  expect(await scenario.calls('StageService')).toEqual([]);
});

test('tools are run once with their sample inputs, and published together', async ({
  house: { gateway, scenario },
}) => {
  const toolbox = await writeToolbox(gateway.folder);
  const data = await writeZip(join(gateway.folder, 'data.zip'), { 'roads.gdb/a': 'x' });
  const tools = [
    {
      name: 'CleanRoads',
      parameters: {
        in_features: { data: 'roads.gdb' },
        out_features: { output: 'o/clean.txt' },
        distance: '5 Feet',
      },
    },
    { name: 'CountRoads', parameters: { in_features: { data: 'roads.gdb' } } },
  ];
  const inputs = {
    ...{ serviceName: 'Roads', folder: 'Tools', tools, summary: 'Roads', tags: ['roads'] },
    runtime: { extensions: ['Spatial'] },
    service: {
      ...{ executionType: 'Synchronous', messageLevel: 'Info', maxUsageTime: 120 },
      ...{
        constantValues: ['CleanRoads.distance'],
        choiceLists: { 'CleanRoads.distance': ['1', '2'] },
      },
    },
  };

  const record = await run(gateway, geoprocessing, inputs, { toolbox, data });

  expect(record.exception).toBeUndefined();
  expect(await readMadeDefinition(gateway, record)).toMatchObject({
    type: 'GPServer',
    folder: 'Tools',
  });
  const [run1] = await scenario.calls('CleanRoads');
  expect(run1?.inputs).toMatchObject({
    in_features: expect.stringMatching(/job-\w+\/in\/roads\.gdb$/),
    out_features: expect.stringMatching(/job-\w+\/out\/o\/clean\.txt$/),
    distance: '5 Feet',
  });
  const [drafted] = await scenario.calls('exportToSDDraft');
  expect(drafted?.properties).toMatchObject({ ...inputs.service, copyDataToServer: false });
  expect((await scenario.calls()).map(({ call }) => call)).toEqual(
    expect.arrayContaining(['CheckOutExtension', 'CheckInExtension']),
  );
});

test('a tool that fails, is not there or lacks an extension is reported', async ({
  house: { gateway },
}) => {
  const toolbox = await writeToolbox(gateway.folder);
  const make = (tools: object[], more: object = {}) =>
    run(gateway, 'analyze-geoprocessing', { tools, ...more }, { toolbox });

  expect(await make([{ name: 'CleanRoads' }])).toMatchObject({
    exception: {
      ...{ code: 'arcpy_failed', tool: 'CleanRoads', toolId: '000735' },
      arcpyMessages: expect.arrayContaining([
        expect.objectContaining({ id: '000735', severity: 'error' }),
      ]),
    },
  });
  expect(await make([{ name: 'Nothing' }])).toMatchObject({
    exception: { code: 'arcpy_refused', detail: expect.stringContaining('CleanRoads') },
  });
  expect(await make([{ name: 'CleanRoads', parameters: { nothing: 1 } }])).toMatchObject({
    exception: { code: 'arcpy_refused', detail: expect.stringContaining('in_features') },
  });
  const extension = await ask(
    gateway,
    'analyze-geoprocessing',
    { tools: [{ name: 'CleanRoads' }], runtime: { extensions: ['Network'], ifNone: 'fail' } },
    { toolbox },
  );
  expect(extension).toMatchObject({
    status: 503,
    body: { code: 'no_runtime', detail: expect.stringContaining('NotLicensed') },
  });
  expect(
    await make([{ name: 'CleanRoads' }], { runtime: { extensions: ['Unheard'] } }),
  ).toMatchObject({
    exception: { code: 'arcpy_extension_missing' },
  });
});

test('a stored result is drafted where ArcPy takes it', async ({
  house: { gateway, scenario },
}) => {
  const result = join(gateway.folder, 'stored.rltx');
  await writeFile(result, 'a result');

  const record = await run(
    gateway,
    geoprocessing,
    { serviceName: 'Stored', service: { maximumRecords: 7 } },
    { result },
  );

  expect(record.exception).toBeUndefined();
  expect(await scenario.calls('CreateGPSDDraft')).toEqual([
    expect.objectContaining({ copies: false, result: expect.stringMatching(/stored\.rltx$/) }),
  ]);
  const toolbox = await writeToolbox(gateway.folder);
  expect(
    await ask(gateway, geoprocessing, { serviceName: 'Both' }, { result, toolbox }),
  ).toMatchObject({ status: 400 });
});

test('a locator travels with its data', async ({ house: { gateway, scenario } }) => {
  const locator = join(gateway.folder, 'Street Names.loc');
  const locatorData = join(gateway.folder, 'Street Names.loz');
  for (const file of [locator, locatorData]) await writeFile(file, 'a locator');
  const inputs = {
    serviceName: 'Addresses',
    service: { suggestedBatchSize: 50, supportedOperations: ['GEOCODE'] },
    edits: { instances: { max: 5 } },
  };

  const record = await run(gateway, geocode, inputs, { locator, locatorData });

  expect(record.exception).toBeUndefined();
  expect(await readMadeDefinition(gateway, record)).toMatchObject({ type: 'GeocodeServer' });
  expect(await scenario.calls('CreateGeocodeSDDraft')).toEqual([
    expect.objectContaining({ copies: false, operations: ['GEOCODE'] }),
  ]);
  expect(await ask(gateway, geocode, { serviceName: 'Half' }, { locator })).toMatchObject({
    status: 400,
  });
});

test('a tool of the list runs, with its outputs as artifact; no other does', async ({
  openHouse,
}) => {
  const { gateway } = await openHouse({
    arcpy: { tools: ['analysis.Buffer', 'management.ExportMany'] },
  });
  await untilRuntimeIs(gateway, 'idle');
  const data = await writeZip(join(gateway.folder, 'data.zip'), { 'roads.gdb/a': 'x' });
  const one = { in_features: { data: 'roads.gdb' }, out_features: { output: 'near.txt' } };

  const record = await run(
    gateway,
    'run-tool',
    { tool: 'analysis.Buffer', parameters: { ...one, distance: '3 Feet' }, fileName: 'Near' },
    { data },
  );

  expect(record.results).toMatchObject({
    output: { name: 'Near.txt', href: `/v1/artifacts/${record.jobId}` },
    outputs: ['./out/near.txt'],
    messages: expect.arrayContaining([
      { severity: 'warning', id: '000117', text: expect.any(String) },
    ]),
  });
  const artifact = await fetch(`${gateway.url}/v1/artifacts/${record.jobId}`);
  expect(await artifact.text()).toBe('made by Buffer of 3 Feet');

  const many = { in_features: { data: 'roads.gdb' }, out_features: { output: 'many.gdb' } };
  const zipped = await run(
    gateway,
    'run-tool',
    { tool: 'management.ExportMany', parameters: many },
    { data },
  );
  expect(zipped.results).toMatchObject({ output: { name: 'outputs.zip' } });

  const refused = (inputs: object) =>
    ask(gateway, 'run-tool', inputs as Record<string, unknown>, { data });
  expect(await refused({ tool: 'management.Delete', parameters: {} })).toMatchObject({
    status: 403,
    body: { code: 'tool_not_allowed', detail: expect.stringContaining('analysis.Buffer') },
  });
  expect(await refused({ tool: 'analysis.Buffer', parameters: { nothing: 1 } })).toMatchObject({
    status: 400,
  });
  expect(
    await refused({ tool: 'analysis.Buffer', parameters: { in_features: { data: '../x' } } }),
  ).toMatchObject({ status: 400 });
  expect(await refused({ tool: '__import__', parameters: {} })).toMatchObject({ status: 400 });
});

test('without a list no tool runs', async ({ house: { gateway } }) => {
  await untilRuntimeIs(gateway, 'idle');
  expect(await ask(gateway, 'run-tool', { tool: 'analysis.Buffer' })).toMatchObject({
    status: 403,
    body: { detail: expect.stringContaining('there are: none') },
  });
});
