import { buffer } from 'node:stream/consumers';
import { fromBufferPromise, type ZipFile } from 'yauzl';
import { type CimElement, fromJson, readCim } from './cim-document.ts';
import { holdsSecret } from './connection-string.ts';
import { type LayerList, listLayers } from './layer-list.ts';

export type MapDocument = {
  /** Undefined when no map could be found in it. */
  list: LayerList | undefined;
  /** Version of the ArcGIS Pro that saved it; ArcMap writes none. */
  proVersion: string | undefined;
  secretMembers: string[];
};

const maxEntries = 10_000;
const maxEntryBytes = 32 * 2 ** 20;
const maxTotalBytes = 512 * 2 ** 20;

/**
 * Reads a map document (.msd): a zip of one XML or JSON text per map, layer and table. Member names are
 * `CIMPATH=` URIs without the prefix; what the texts say of themselves comes first.
 *
 * @throws when it is no zip, or one that breaks a limit
 */
export async function readMapDocument(
  content: Buffer,
  { cimMember }: { cimMember: string | undefined },
): Promise<MapDocument> {
  const zip = await fromBufferPromise(content, { lazyEntries: true, autoClose: false });
  try {
    const { elements, info, secretMembers } = await readEntries(zip);
    const find = (uri: string) => elements.get(toKey(uri));
    const map =
      [cimMember, info?.text('ActiveMapRepositoryPath')]
        .map((uri) => (uri ? find(uri) : undefined))
        .find((element) => element && isMap(element)) ?? [...elements.values()].find(isMap);
    return {
      list: map && listLayers(map, find),
      proVersion: info?.text('Version') || undefined,
      secretMembers,
    };
  } finally {
    zip.close();
  }
}

type Entries = {
  elements: Map<string, CimElement>;
  info: CimElement | undefined;
  secretMembers: string[];
};

async function readEntries(zip: ZipFile): Promise<Entries> {
  const entries: Entries = { elements: new Map(), info: undefined, secretMembers: [] };
  if (zip.entryCount > maxEntries) throw new Error('The map document has too many members');
  let total = 0;
  for await (const entry of zip.eachEntry()) {
    const { fileName, uncompressedSize } = entry;
    total += uncompressedSize;
    if (total > maxTotalBytes) throw new Error('The map document is too large');
    if (!/\.(xml|json)$/i.test(fileName) || uncompressedSize > maxEntryBytes) continue;
    const content = await buffer(await zip.openReadStreamPromise(entry));
    if (holdsSecret(content.toString('utf8'))) entries.secretMembers.push(fileName);
    const element = readCim(content, fileName);
    if (!element) continue;
    if (/^DocumentInfo\.xml$/i.test(fileName)) entries.info = element;
    entries.elements.set(toKey(fileName), element);
    const uri = element.text('URI') || element.text('CatalogPath');
    if (uri) entries.elements.set(toKey(uri), element);
  }
  return entries;
}

function toKey(uri: string): string {
  return uri.replace(/^CIMPATH=/i, '').toLowerCase();
}

function isMap(element: CimElement): boolean {
  return /^CIM(DE)?Map$/i.test(element.className);
}

/**
 * Reads a map file (.mapx): one JSON text, in which layers and tables stand side by side and groups name
 * their children by URI.
 *
 * @throws when it is not JSON
 */
export function readMapFile(content: Buffer): MapDocument {
  const raw = JSON.parse(content.toString('utf8').replace(/^\uFEFF/, '')) as {
    mapDefinition?: unknown;
  };
  const root = fromJson(raw);
  const map = fromJson(raw.mapDefinition);
  const elements = new Map<string, CimElement>();
  for (const listName of ['layerDefinitions', 'tableDefinitions']) {
    for (const element of root?.list(listName) ?? []) {
      if (typeof element !== 'string') elements.set(toKey(element.text('URI')), element);
    }
  }
  return {
    list: map && listLayers(map, (uri) => elements.get(toKey(uri))),
    proVersion: root?.text('version') || undefined,
    secretMembers: holdsSecret(content.toString('utf8')) ? [''] : [],
  };
}
