import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { SeededRandom } from '../../bench/seeded-random.ts';
import { defaultArchiveLimits } from '../../src/documents/archive-limits.ts';
import { buildConnectionFile } from '../../src/documents/connection-file-builder.ts';
import { DocumentContent } from '../../src/documents/document-content.ts';
import { DraftEdits } from '../../src/documents/draft-edits.ts';
import { editDraftFile } from '../../src/documents/edit-draft-file.ts';
import { editMap } from '../../src/documents/edit-map.ts';
import { MapEdits } from '../../src/documents/map-edits.ts';
import { readDocument } from '../../src/documents/read-document.ts';
import { buildServiceDefinition } from '../../src/documents/service-definition-builder.ts';
import { SevenZipStop } from '../../src/documents/seven-zip.ts';
import { DocumentError } from '../../src/lib/errors.ts';
import { mutateBytes, mutateText, mutateZip } from './document-mutations.ts';
import { draft } from './draft-files.ts';
import {
  canaryHex,
  canaryPlain,
  featureLayer,
  groupLayer,
  inDatabase,
  inGeodatabase,
  layerFile,
  mapFile,
  table,
} from './map-files.ts';
import { projectFile, projectFileOfPro2 } from './project-files.ts';

type Seed = { name: string; bytes: Buffer };
export type FuzzFinding = { round: number; document: string; what: string; bytes: Buffer };

const limits = { ...defaultArchiveLimits, ratioFloorBytes: 64 * 2 ** 20 };
/** Longer than this is a hang, on a machine that has other things to do as well. */
const patienceMs = 20_000;

const edits = MapEdits.parse({
  changeSources: [{ from: { wildcard: '*' }, to: { dataset: 'x.{dataset}' } }],
  setVisibility: [{ layer: '*', isVisible: false }],
  renameLayers: [{ layer: '*', name: 'Other' }],
});
const removal = MapEdits.parse({ removeLayers: ['Roads', 'Transport'] });
const addition = MapEdits.parse({ addLayers: [{ position: 'bottom' }] });
const draftEdits = DraftEdits.parse({
  serviceName: 'Other',
  tags: ['a', 'b'],
  capabilities: ['Map'],
  instances: { max: 5 },
  properties: { maxRecordCount: '7', unknown: '<&>' },
});

/** Files of our own making, and real ones where a folder of them is given. */
export async function gatherSeeds(folder: string, samples?: string): Promise<Seed[]> {
  await mkdir(folder, { recursive: true });
  const definition = join(folder, 'seed.sd');
  await rm(definition, { force: true });
  await buildServiceDefinition(definition, { serviceName: 'Roads', layers: ['Roads', 'Bridges'] });
  const spec = {
    layers: [
      groupLayer('Transport', [
        featureLayer('Roads', inDatabase('t.dbo.Roads', { hasPassword: true })),
      ]),
      featureLayer('Parcels', inGeodatabase('.\\p.gdb', 'Parcels')),
    ],
    tables: [table('Owners', inDatabase('t.dbo.Owners'))],
  };
  const own: [string, string | Buffer][] = [
    ['own.mapx', mapFile(spec)],
    ['own.lyrx', layerFile(spec)],
    ['own.aprx', projectFile({ maps: [spec, { name: 'Other' }] })],
    ['own-upgraded.aprx', projectFile({ maps: [spec] }, { memberEnding: 'xml' })],
    ['own-pro2.aprx', projectFileOfPro2({ maps: [spec] })],
    ['own.sddraft', draft({ hasPassword: true })],
    [
      'own.sde',
      buildConnectionFile({ SERVER: 'a', USER: 'u', PASSWORD: Buffer.from(canaryPlain) }),
    ],
    ['own.sd', readFileSync(definition)],
  ];
  return [
    ...own.map(([name, bytes]) => ({ name, bytes: Buffer.from(bytes) })),
    ...(samples && existsSync(samples) ? readSamples(samples) : []),
  ];
}

function readSamples(folder: string): Seed[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(
      (each) => each.isFile() && /\.(?:sd|sddraft|aprx|mapx|lyrx|sde|mxd|lpkx)$/i.test(each.name),
    )
    .map(({ parentPath, name }) => ({ name, bytes: readFileSync(join(parentPath, name)) }))
    .filter(({ bytes }) => bytes.length < 2 ** 21)
    .sort((one, other) => one.name.localeCompare(other.name));
}

/** One document is changed by chance, read and edited; any end but content or a plain refusal is a finding. */
export async function fuzzOnce(
  round: number,
  { seed, seeds, folder }: { seed: number; seeds: readonly Seed[]; folder: string },
): Promise<FuzzFinding | undefined> {
  const random = new SeededRandom(seed * 1_000_003 + round);
  const { name, bytes: original } = random.pick(seeds);
  const bytes = mutate(random, name, original);
  const path = join(folder, `${randomUUID()}.tmp`);
  const target = `${path}.out`;
  await writeFile(path, bytes);
  const began = performance.now();
  try {
    const text = await tryOut(path, target, name, random);
    const took = performance.now() - began;
    const leak = [canaryHex, canaryPlain].find((canary) => text.includes(canary));
    const what = leak ? `told ${leak}` : took > patienceMs ? `took ${Math.round(took)} ms` : '';
    return what ? { round, document: name, what, bytes } : undefined;
  } catch (error) {
    return { round, document: name, what: (error as Error).stack ?? String(error), bytes };
  } finally {
    for (const each of [path, target, `${target}.tmp`]) await rm(each, { force: true });
  }
}

function mutate(random: SeededRandom, name: string, original: Buffer): Buffer {
  let bytes = original;
  for (let count = random.chance(0.3) ? 3 : 1; count > 0; count -= 1) {
    if (/\.aprx$/.test(name) && random.chance(0.7)) {
      const members = readMembers(bytes);
      bytes = members ? mutateZip(random, members) : mutateBytes(random, bytes);
    } else if (/\.(?:mapx|lyrx|sddraft)$/.test(name) && random.chance(0.85)) {
      bytes = Buffer.from(mutateText(random, bytes.toString()));
    } else bytes = mutateBytes(random, bytes);
  }
  return bytes;
}

/** By the directory of a zip that is whole; nothing for another. */
function readMembers(zip: Buffer): Record<string, string | Buffer> | undefined {
  try {
    const members: Record<string, string | Buffer> = {};
    const end = zip.length - 22;
    let at = zip.readUInt32LE(end + 16);
    for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
      const [packed, nameBytes] = [zip.readUInt32LE(at + 20), zip.readUInt16LE(at + 28)];
      const local = zip.readUInt32LE(at + 42);
      const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const raw = zip.subarray(from, from + packed);
      const content = zip.readUInt16LE(at + 10) === 8 ? inflateRawSync(raw) : raw;
      const isText = content[0] === 0x7b || content[0] === 0x3c;
      const name = zip.toString('utf8', at + 46, at + 46 + nameBytes);
      members[name] = isText ? content.toString() : content;
      at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
    }
    return Object.keys(members).length > 0 ? members : undefined;
  } catch {
    return undefined; // an earlier round broke it
  }
}

async function tryOut(
  path: string,
  target: string,
  name: string,
  random: SeededRandom,
): Promise<string> {
  const options = () => ({ limits, deadline: Date.now() + patienceMs });
  const read = await orRefusal(async () =>
    DocumentContent.parse(await readDocument(path, { name, folder: 'C:\\a', ...options() })),
  );
  const told = [JSON.stringify(read)];
  const { kind } = read as { kind?: string };
  if (kind === 'map-file' || kind === 'layer-file' || kind === 'project') {
    const chosen = random.pick([edits, removal, addition]);
    const layerFile = chosen === addition ? path : undefined;
    const editing = { source: path, target, layerFile, edits: chosen };
    told.push(JSON.stringify(await orRefusal(() => editMap(editing, { limits }))));
  }
  if (kind === 'service-definition-draft' || kind === 'service-definition') {
    const own =
      kind === 'service-definition'
        ? DraftEdits.parse({ ...draftEdits, tags: undefined })
        : draftEdits;
    const editing = { source: path, target, edits: own };
    told.push(JSON.stringify(await orRefusal(() => editDraftFile(editing, options()))));
  }
  return told.join('\n');
}

async function orRefusal(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    const isPlain = error instanceof DocumentError || error instanceof SevenZipStop;
    if (!isPlain) throw error;
    return { refused: error.message };
  }
}
