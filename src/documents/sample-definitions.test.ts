import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openArchive } from './archive.ts';
import { defaultArchiveLimits } from './archive-limits.ts';
import { type DocumentReader, openDocumentReader } from './document-reader.ts';

// biome-ignore lint/style/noProcessEnv: says where the sample files are
const samples = resolve(process.env.PRESSROOM_SAMPLES ?? '../shared/samples');
const isThere = existsSync(samples);
if (!isThere) console.warn('Skipped: no sample files in PRESSROOM_SAMPLES or ../shared/samples');

let folder: string;
let reader: DocumentReader;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pressroom-samples-'));
  reader = openDocumentReader();
});

afterAll(async () => {
  await reader.close();
  await rm(folder, { recursive: true, force: true });
});

test.skipIf(!isThere).each([
  [
    'EmergencyOperations.sd',
    {
      type: 'MapServer',
      runtime: 'ArcMap',
      madeWith: 'ArcMap 10.3',
      isHosted: false,
      versionFolder: 'v101',
      layersFrom: 'map',
    },
    { layers: 13, tables: 1, copied: 3, extensions: 8 },
  ],
  [
    'Ebola_Treatment_Units.sd',
    {
      type: 'FeatureServer',
      runtime: 'ArcGIS Pro',
      madeWith: 'ArcGIS Pro 1.4.0',
      isHosted: true,
      layersFrom: 'service-description',
    },
    { layers: 2, tables: 0, copied: 1, extensions: 1 },
  ],
  [
    'WA_DSHS_admin_boundaries.sd',
    {
      type: 'MapServer',
      runtime: 'ArcGIS Pro',
      madeWith: 'ArcGIS Pro 1.3.0',
      isHosted: true,
      layersFrom: 'service-description',
    },
    { layers: 1, tables: 0, copied: 1, extensions: 1 },
  ],
])('reads the real definition %s, as it is and rewritten', async (name, facts, counts) => {
  const file = join(samples, 'sd', name);
  const content = await reader.readServiceDefinition(file);

  expect(content).toMatchObject({
    ...facts,
    publishType: 'New',
    state: 'Staged',
    secretsFound: [],
  });
  expect({
    layers: content.layers.length,
    tables: content.tables.length,
    copied: content.databases.filter(({ isCopied }) => isCopied).length,
    extensions: content.extensions.length,
  }).toEqual(counts);

  const target = join(folder, name);
  await reader.rewriteAsReplacement(file, target);
  const { unpackedBytes } = await reader.readServiceDefinition(target);
  expect(unpackedBytes).toBe(content.unpackedBytes + 'Replacement'.length - 'New'.length);
  expect(await othersOf(target)).toEqual(await othersOf(file));
});

async function othersOf(file: string) {
  const options = { limits: defaultArchiveLimits, deadline: Date.now() + 30_000 };
  const { members } = await openArchive(file, options);
  return members
    .filter(({ name }) => name !== 'manifest.xml')
    .sort((a, b) => a.name.localeCompare(b.name));
}

test.skipIf(!isThere).each([
  ['packages/CAP_Alerts.mpk', 'manifest.xml'],
  ['aprx/pro35_empty.aprx', 'zip'],
  ['sddraft/map_arcmap_example.sddraft', 'staged'],
  ['mxd/test_mapping_complex.mxd', 'OLE'],
])('says why %s is no service definition', async (name, word) => {
  await expect(reader.readServiceDefinition(join(samples, name))).rejects.toThrow(word);
});
