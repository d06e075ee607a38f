import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openArchive } from './archive.ts';
import { defaultArchiveLimits } from './archive-limits.ts';
import type { DefinitionSpec } from './definition-spec.ts';
import { type DocumentReader, openDocumentReader } from './document-reader.ts';
import { ServiceDefinitionContent } from './service-definition.ts';
import { buildServiceDefinition } from './service-definition-builder.ts';

let folder: string;
let reader: DocumentReader;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pressroom-documents-'));
  reader = openDocumentReader();
});

afterAll(async () => {
  await reader.close();
  await rm(folder, { recursive: true, force: true });
});

async function build(spec: Partial<DefinitionSpec> = {}): Promise<string> {
  count += 1;
  const file = join(folder, `definition-${count}.sd`);
  await buildServiceDefinition(file, { serviceName: 'Roads', ...spec });
  return file;
}

async function read(spec: Partial<DefinitionSpec> = {}): Promise<ServiceDefinitionContent> {
  return await reader.readServiceDefinition(await build(spec));
}

test('reads a map service made by ArcGIS Pro', async () => {
  const content = await read({
    folder: 'Transport',
    title: 'Roads & paths',
    summary: 'All <roads>',
    tags: ['roads', 'paths'],
    layers: ['Bridges', { name: 'Roads', layers: ['Main', 'Side'] }, 'Signs'],
    tables: ['Owners'],
    extensions: [{ typeName: 'FeatureServer', capabilities: ['Query'] }],
  });

  expect(content).toMatchObject({
    kind: 'service-definition',
    serviceName: 'Roads',
    folder: 'Transport',
    type: 'MapServer',
    title: 'Roads & paths',
    summary: 'All <roads>',
    tags: ['roads', 'paths'],
    capabilities: ['Map', 'Query', 'Data'],
    extensions: [{ typeName: 'FeatureServer', isEnabled: true, capabilities: ['Query'] }],
    provider: 'ArcObjects11',
    runtime: 'ArcGIS Pro',
    versionFolder: 'p20',
    isHosted: false,
    serverType: 'FullServer',
    publishType: 'New',
    state: 'Staged',
    minInstances: 1,
    maxInstances: 2,
    databases: [],
    secretsFound: [],
  });
  expect(content.layers).toEqual([
    { id: 0, name: 'Bridges', type: 'Feature Layer' },
    { id: 1, name: 'Roads', type: 'Group Layer' },
    { id: 2, name: 'Main', parentId: 1, type: 'Feature Layer' },
    { id: 3, name: 'Side', parentId: 1, type: 'Feature Layer' },
    { id: 4, name: 'Signs', type: 'Feature Layer' },
  ]);
  expect(content.tables).toEqual([{ id: 5, name: 'Owners' }]);
});

test('reads a map service made by ArcMap', async () => {
  const content = await read({ runtime: 'ArcMap', layers: ['A', 'B'], tables: ['C'] });

  expect(content).toMatchObject({
    runtime: 'ArcMap',
    madeWith: 'ArcMap 10.3',
    provider: 'ArcObjects',
    schemaVersion: '10.1',
    versionFolder: 'v101',
  });
  expect(content.layers.map(({ name }) => name)).toEqual(['A', 'B']);
  expect(content.tables).toEqual([{ id: 2, name: 'C' }]);
});

test.each(['ImageServer', 'GeocodeServer', 'GeoDataServer'] as const)(
  'reads a %s',
  async (type) => {
    const content = await read({ type });

    expect(content).toMatchObject({
      type,
      layers: [],
      layersFrom: 'nothing',
      serviceName: 'Roads',
    });
    expect(content.capabilities.length).toBeGreaterThan(0);
  },
);

test('reads the tasks of a geoprocessing service', async () => {
  expect(await read({ type: 'GPServer', tasks: ['Buffer', 'Clip'] })).toMatchObject({
    type: 'GPServer',
    tasks: ['Buffer', 'Clip'],
    capabilities: [],
    layers: [],
  });
  expect(await read({ type: 'GPServer' })).not.toHaveProperty('tasks');
});

test('reads a hosted layer, whose layers stand in a description', async () => {
  const content = await read({ type: 'FeatureServer', isHosted: true, layers: ['A', 'B'] });

  expect(content).toMatchObject({
    isHosted: true,
    serverType: 'LightweightOnline',
    runtime: 'ArcGIS Pro',
    layersFrom: 'service-description',
  });
  expect(content).not.toHaveProperty('provider');
  expect(content.layers.map(({ id, name }) => [id, name])).toEqual([
    [0, 'A'],
    [1, 'B'],
  ]);
});

test('tells copied from referenced data', async () => {
  const { databases } = await read({
    databases: [
      {
        ...{ name: 'Roads.gdb', isCopied: true, datasets: [{ name: 'Streets' }] },
        connectionString: 'DATABASE=\\\\host\\old\\Roads.gdb',
      },
      { name: 'Share.gdb', isCopied: false, connectionString: 'DATABASE=\\\\host\\share\\a.gdb' },
    ],
  });

  expect(databases).toEqual([
    {
      name: 'roads.gdb',
      isCopied: true,
      workspaceFactory: 'esriDataSourcesGDB.FileGDBWorkspaceFactory',
      connection: { kind: 'path', path: 'p20/roads.gdb' },
      source: { kind: 'path', path: '\\\\host\\old\\Roads.gdb' },
      datasets: [{ name: 'Streets', type: 'FeatureClass' }],
    },
    {
      name: 'Share.gdb',
      isCopied: false,
      workspaceFactory: 'esriDataSourcesGDB.FileGDBWorkspaceFactory',
      connection: { kind: 'path', path: '\\\\host\\share\\a.gdb' },
      datasets: [],
    },
  ]);
});

test('believes the databases, not the root, about copied data (ArcMap)', async () => {
  const spec: Partial<DefinitionSpec> = {
    runtime: 'ArcMap',
    databases: [{ name: 'eo.gdb', isCopied: true }],
  };
  const file = await build(spec);
  const manifest = (await reader.readMember(file, 'manifest.xml')).toString();

  expect(manifest).toContain('<ByReference>true</ByReference><Type>');
  expect((await reader.readServiceDefinition(file)).databases[0]?.isCopied).toBe(true);
});

test('says where passwords are, and shows none', async () => {
  const canary = 'canary4711';
  const encrypted = '00022e68c1a2b3';
  const content = await read({
    databases: [
      {
        name: 'gis.sde',
        isCopied: false,
        workspaceFactory: 'esriDataSourcesGDB.SdeWorkspaceFactory.1',
        connectionString: `ENCRYPTED_PASSWORD=${encrypted};SERVER=db1;INSTANCE=sde:postgresql:db1;DBCLIENT=postgresql;DATABASE=gis;USER=editor;VERSION=sde.DEFAULT;AUTHENTICATION_MODE=DBMS`,
      },
      {
        name: 'old.sde',
        isCopied: false,
        connectionString: `PASSWORD=${canary};INSTANCE=sde:oracle11g:scott/${canary}@orcl;USER=scott`,
      },
    ],
    properties: { connectionString: `DATABASE=x;PASSWORD=${canary}` },
    stagingSettings: { ServerConnectionString: `URL=https://gis;PASSWORD=${encrypted};USER=me` },
  });

  expect(content.secretsFound.map(({ where }) => where)).toEqual([
    'manifest.xml: Databases/SVCDatabase[gis.sde]/OnPremiseConnectionString',
    'manifest.xml: Databases/SVCDatabase[gis.sde]/OnServerConnectionString',
    'manifest.xml: Databases/SVCDatabase[old.sde]/OnPremiseConnectionString',
    'manifest.xml: Databases/SVCDatabase[old.sde]/OnServerConnectionString',
    'manifest.xml: StagingSettings/PropertyArray/PropertySetProperty[ServerConnectionString]/Value',
    'serviceconfiguration.json: service.properties.connectionString',
  ]);
  const shown = JSON.stringify(content);
  expect(shown).not.toContain(canary);
  expect(shown).not.toContain(encrypted);
  expect(content.databases[0]?.connection).toEqual({
    kind: 'database',
    platform: 'postgresql',
    host: 'db1',
    database: 'gis',
    user: 'editor',
    version: 'sde.DEFAULT',
    authentication: 'DBMS',
    instance: 'sde:postgresql:db1',
  });
});

test('tolerates names and texts beyond ASCII', async () => {
  const content = await read({
    serviceName: 'Straßen_道路',
    title: 'Wege – 道',
    layers: ['Ö', '层'],
  });

  expect(content).toMatchObject({ serviceName: 'Straßen_道路', title: 'Wege – 道' });
  expect(content.layers.map(({ name }) => name)).toEqual(['Ö', '层']);
});

test('answers what the schema says', async () => {
  const content = await read({ runtime: 'ArcMap' });

  expect(ServiceDefinitionContent.parse(JSON.parse(JSON.stringify(content)))).toEqual(content);
});

test('rewrites as a replacement and leaves every other member alone', async () => {
  const source = await build({
    databases: [{ name: 'a.gdb', isCopied: true }],
    paddingBytes: 3_000_000,
  });
  const target = join(folder, 'replacement.sd');
  await reader.rewriteAsReplacement(source, target);

  const before = await reader.readServiceDefinition(source);
  const after = await reader.readServiceDefinition(target);
  expect(after).toEqual({
    ...before,
    publishType: 'Replacement',
    unpackedBytes: before.unpackedBytes + 'Replacement'.length - 'New'.length,
  });
  expect(await othersOf(target)).toEqual(await othersOf(source));
  const [old, changed] = await Promise.all(
    [source, target].map(async (file) =>
      (await reader.readMember(file, 'manifest.xml')).toString(),
    ),
  );
  expect(changed).toBe(old?.replace('Type_New<', 'Type_Replacement<'));
});

async function othersOf(file: string) {
  const options = { limits: defaultArchiveLimits, deadline: Date.now() + 30_000 };
  const { members } = await openArchive(file, options);
  return members
    .filter(({ name }) => name !== 'manifest.xml')
    .sort((a, b) => a.name.localeCompare(b.name));
}

test('leaves no target when the source cannot be rewritten', async () => {
  const target = join(folder, 'never.sd');
  const noDefinition = join(folder, 'text.sd');
  await writeFile(noDefinition, 'no definition');
  await expect(reader.rewriteAsReplacement(noDefinition, target)).rejects.toMatchObject({
    code: 'unreadable_document',
  });

  const source = await build();
  const impatient = openDocumentReader({ timeoutMs: 0 });
  await expect(impatient.rewriteAsReplacement(source, target)).rejects.toMatchObject({
    code: 'archive_rejected',
  });
  await impatient.close();
  expect(await readdir(folder)).not.toContain('never.sd');
});

test('reads one member, within its limit', async () => {
  const file = await build();

  expect(
    JSON.parse((await reader.readMember(file, 'serviceconfiguration.json')).toString()),
  ).toEqual(expect.objectContaining({ folderName: '' }));
  await expect(reader.readMember(file, 'manifest.xml', { maxBytes: 100 })).rejects.toMatchObject({
    code: 'archive_rejected',
  });
  await expect(reader.readMember(file, 'nothing.xml')).rejects.toThrow('nothing.xml');
});
