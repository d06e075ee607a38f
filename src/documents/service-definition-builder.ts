import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type CompleteSpec, completeSpec, type DefinitionSpec } from './definition-spec.ts';
import { buildManifest } from './manifest-builder.ts';
import { buildMapDocument, zip } from './map-document-builder.ts';
import { buildServiceConfiguration } from './service-configuration-builder.ts';
import { runSevenZip } from './seven-zip.ts';
import { escapeXml, writeArcgisXml } from './xml-text.ts';

const oleSignature = Buffer.from('d0cf11e0a1b11ae1', 'hex');
const paddingBlockBytes = 2 ** 20;
/** Not solid, as ArcGIS packs: each member can be unpacked alone. */
const howToPack = ['-t7z', '-ms=off', '-mmt=off', '-bsp0', '-spd'];

/**
 * Writes a service definition (.sd) with the structure and style of real ones, for demonstrations and tests.
 * What only ArcGIS can write (.mxd, .tbx, geodatabases) is there by name with a few bytes, so a real site
 * would not publish it. A file at `target` is replaced.
 */
export async function buildServiceDefinition(target: string, spec: DefinitionSpec): Promise<void> {
  await rm(target, { force: true });
  const members = await buildMembers(completeSpec(spec));
  const files = new Map(
    [...members].sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)),
  );
  await pack(['-m0=LZMA', '--', `/out/${basename(target)}`, ...files.keys()], {
    mounts: { out: dirname(target) },
    files,
  });
  if (spec.paddingBytes) await addPadding(target, spec.paddingBytes);
}

async function pack(
  args: readonly string[],
  options: Parameters<typeof runSevenZip>[1],
): Promise<void> {
  const { exitCode, messages } = await runSevenZip(['a', ...howToPack, ...args], options);
  if (exitCode !== 0) throw new Error(`7-Zip could not write the definition: ${messages.trim()}`);
}

type Members = Map<string, Buffer>;

async function buildMembers(spec: CompleteSpec): Promise<Members> {
  const { serviceName, versionFolder, resourcePath } = spec;
  const members: Members = new Map();
  const add = (name: string, content: string | Buffer) =>
    members.set(name, typeof content === 'string' ? Buffer.from(content) : content);
  add('manifest.xml', buildManifest(spec));
  add('serviceconfiguration.json', buildServiceConfiguration(spec));
  add('tilingservice.xml', writeArcgisXml('CacheInfo', spec.schemaVersion, []));
  add('esriinfo/iteminfo.xml', buildItemInformation(spec));
  add('esriinfo/item.pkinfo', buildPackageInformation(spec));
  if (spec.type === 'MapServer' || spec.type === 'FeatureServer') {
    add(`${versionFolder}/${serviceName}.msd`, await buildMapDocument(spec));
  }
  if (spec.isHosted) addServiceDescription(add, spec);
  if (resourcePath.endsWith('.mxd')) add(resourcePath, oleSignature);
  if (spec.type === 'GPServer') await addToolbox(add, spec);
  for (const { name, isCopied } of spec.databases) {
    if (isCopied) add(`${versionFolder}/${name.toLowerCase()}/a00000001.gdbtable`, serviceName);
  }
  return members;
}

type Add = (name: string, content: string | Buffer) => void;

/** A toolbox whose tools can be read (.atbx) in this place is not verified: definitions seen have a .tbx. */
async function addToolbox(add: Add, spec: CompleteSpec): Promise<void> {
  const { resourcePath, versionFolder, serviceName, tasks, runtime } = spec;
  add(resourcePath, oleSignature);
  add(`${versionFolder}/${serviceName}.${runtime === 'ArcMap' ? 'rlt' : 'rltx'}`, oleSignature);
  if (tasks.length === 0) return;
  const content = { version: '1.0', alias: serviceName, toolsets: { '<root>': { tools: tasks } } };
  const toolbox = await zip(new Map([['toolbox.content', JSON.stringify(content)]]));
  add(`${versionFolder}/${serviceName}.atbx`, toolbox);
}

function addServiceDescription(add: Add, spec: CompleteSpec): void {
  const kind = spec.type.toLowerCase();
  const layers = spec.layers.map((layer, id) => ({
    id,
    name: typeof layer === 'string' ? layer : layer.name,
    parentLayerId: -1,
    type: typeof layer === 'string' ? 'Feature Layer' : 'Group Layer',
  }));
  const tables = spec.tables.map((name, index) => ({ id: layers.length + index, name }));
  const contents = { currentVersion: 10.4, cimVersion: '2.9.0', layers, tables };
  add(`servicedescriptions/${kind}/${kind}.json`, JSON.stringify({ name: spec.type, contents }));
}

function buildItemInformation({ serviceName, title, summary, tags }: CompleteSpec): string {
  return [
    '<?xml version="1.0" encoding="utf-8" ?>',
    "<ESRI_ItemInformation Culture='en-US'>",
    `<name>${escapeXml(serviceName)}</name>`,
    `<snippet>${escapeXml(summary)}</snippet>`,
    `<summary>${escapeXml(summary)}</summary>`,
    `<title>${escapeXml(title)}</title>`,
    `<tags>${escapeXml(tags.join(','))}</tags>`,
    '<type>Service Definition</type>',
    '<typekeywords>\n<typekeyword>Service Definition</typekeyword>\n<typekeyword>.sd</typekeyword>',
    '</typekeywords>\n</ESRI_ItemInformation>\n',
  ].join('\n');
}

function buildPackageInformation({ serviceName, runtime }: CompleteSpec): string {
  return [
    '<?xml version="1.0" encoding="utf-8" ?>',
    "<pkinfo Culture='en-US'>",
    `<name>${escapeXml(serviceName)}</name>`,
    `<version>${runtime === 'ArcMap' ? '10.3' : '12.9'}</version>`,
    '<type>Service Definition</type>\n<servable>true</servable>\n</pkinfo>\n',
  ].join('\n');
}

/** Stored, not packed, and never whole in memory. */
async function addPadding(target: string, sizeBytes: number): Promise<void> {
  const folder = await mkdtemp(join(dirname(target), '.padding-'));
  try {
    const file = createWriteStream(join(folder, 'padding.bin'));
    await pipeline(Readable.from(randomBlocks(sizeBytes)), file);
    await pack(['-m0=Copy', '--', `/out/${basename(target)}`, '/pad/padding.bin'], {
      mounts: { out: dirname(target), pad: folder },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function* randomBlocks(sizeBytes: number): Generator<Buffer> {
  for (let left = sizeBytes; left > 0; left -= paddingBlockBytes) {
    yield randomBytes(Math.min(left, paddingBlockBytes));
  }
}
