import type { SeededRandom } from '../../bench/seeded-random.ts';
import { parseXmlNode, type XmlNode } from '../../src/documents/xml-node.ts';
import { toProText } from './map-files.ts';
import { writeZip } from './zip-writer.ts';

const whole = (random: SeededRandom, from: number, to: number) =>
  Math.floor(random.between(from, to));

/** Values that programs stumble over, as they may stand in JSON or in XML. */
const nastyLiterals = [
  ...['null', '[]', '{}', '""', '-0', '1e999', '9007199254740993', '"\\ud800"', '"NaN"', 'true'],
  ...['{"__proto__":{"type":"CIMMap"}}', '{"type":"CIMFeatureLayer"}', '"CIMPATH=map/map.json"'],
  ...['"DATABASE=;;;===;"', '"SERVER="', '[[[[[[[[[[]]]]]]]]]]', `"${'a;b='.repeat(2_000)}"`],
  ...['{"type":"CIMStandardDataConnection"}', '"<a><b xsi:type=\'x:CIMStandardDataConnection\'/>"'],
];
const nastyXml = [
  ...['<a/>', '</a>', '<![CDATA[', ']]>', '<!--', '-->', '<!DOCTYPE a [<!ENTITY b "c">]>', '&b;'],
  ...[
    '&#x110000;',
    '&#0;',
    '<?xml version="1.0"?>',
    "<Value xsi:nil='true'/>",
    '\uFEFF',
    '<a b=">">',
  ],
  ...["<A xsi:type='typens:CIMMap'></A>", '<Extensions></Extensions>', '&amp;lt;', '\0'],
];

const deep = (open: string, close: string, depth: number) =>
  open.repeat(depth) + close.repeat(depth);

export function mutateText(random: SeededRandom, text: string): string {
  const isJson = text.trimStart().startsWith('{');
  if (random.chance(0.6)) {
    const changed = isJson ? mutateJson(random, text) : mutateXml(random, text);
    if (changed !== undefined) return changed;
  }
  const at = whole(random, 0, text.length);
  const until = Math.min(text.length, at + whole(random, 1, 60));
  switch (whole(random, 0, 9)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(until);
    case 2:
      return text.slice(0, until) + text.slice(at);
    case 3:
      return text.slice(0, at) + random.pick(isJson ? nastyLiterals : nastyXml) + text.slice(at);
    case 4:
      return isJson ? withOtherValue(random, text) : withOtherElement(random, text);
    case 5: {
      const depth = whole(random, 50, 60_000);
      const nested = isJson
        ? deep('{"layers":[', ']}', depth)
        : deep('<Layers>', '</Layers>', depth);
      return text.slice(0, at) + nested + text.slice(at);
    }
    case 6:
      return swapUris(random, text);
    case 7:
      return text.slice(0, at) + String.fromCharCode(whole(random, 0, 0xffff)) + text.slice(until);
    default:
      return text.replace(/"(?:type|name|uRI|dataset|layers)"/g, (key) =>
        random.chance(0.1) ? '"x"' : key,
      );
  }
}

/** The text stays JSON: parts of it go, come twice, change places or become something else. */
function mutateJson(random: SeededRandom, text: string): string | undefined {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return undefined;
  }
  const containers: Record<string, unknown>[] = [];
  const open = [root];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (value === null || typeof value !== 'object') continue;
    containers.push(value as Record<string, unknown>);
    open.push(...Object.values(value).filter((each) => each !== undefined));
  }
  for (let count = whole(random, 1, 6); count > 0; count -= 1) {
    const container = random.pick(containers);
    const keys = Object.keys(container);
    if (keys.length === 0) continue;
    const key = random.pick(keys);
    const other = random.pick(containers);
    if (random.chance(0.2)) delete container[key];
    else if (random.chance(0.4)) container[key] = structuredClone(other);
    else if (random.chance(0.3))
      container[random.pick(Object.keys(other).concat('x'))] = container[key];
    else container[key] = JSON.parse(random.pick(nastyLiterals));
  }
  return random.chance(0.5) ? JSON.stringify(root) : toProText(root);
}

/** The same with elements of XML. */
function mutateXml(random: SeededRandom, text: string): string | undefined {
  const nodes: XmlNode[] = [];
  try {
    parseXmlNode(text, 'x').walk((node) => nodes.push(node));
  } catch {
    return undefined;
  }
  if (nodes.length < 3) return undefined;
  const [one, other] = [random.pick(nodes.slice(1)), random.pick(nodes.slice(1))];
  const piece = random.chance(0.3) ? '' : text.slice(other.start, other.end);
  return text.slice(0, one.start) + piece + text.slice(random.chance(0.5) ? one.end : one.start);
}

/** A whole value is replaced, so that the text stays JSON. */
function withOtherValue(random: SeededRandom, text: string): string {
  const places = [...text.matchAll(/: ?("(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*|true|false)/g)];
  if (places.length === 0) return text;
  const { index, 0: found } = random.pick(places);
  return `${text.slice(0, index)}:${random.pick(nastyLiterals)}${text.slice(index + found.length)}`;
}

function withOtherElement(random: SeededRandom, text: string): string {
  const places = [...text.matchAll(/>[^<]*<\//g)];
  if (places.length === 0) return text;
  const { index, 0: found } = random.pick(places);
  return `${text.slice(0, index)}>${random.pick(nastyXml)}</${text.slice(index + found.length)}`;
}

/** Lists that name themselves, or one another in a circle. */
function swapUris(random: SeededRandom, text: string): string {
  const uris = [...text.matchAll(/CIMPATH=[^"'<]+/g)].map(([uri]) => uri);
  if (uris.length === 0) return text;
  return text.replace(/CIMPATH=[^"'<]+/g, (uri) => (random.chance(0.3) ? random.pick(uris) : uri));
}

export function mutateBytes(random: SeededRandom, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length === 0) return copy;
  const kind = whole(random, 0, 4);
  if (kind === 0) return copy.subarray(0, whole(random, 0, copy.length));
  if (kind === 1) {
    const at = whole(random, 0, copy.length);
    return Buffer.concat([copy.subarray(0, at), copy.subarray(at + whole(random, 1, 200))]);
  }
  // Heads and tails are where the structure of archives stands.
  const isAtTheEnds = random.chance(0.5);
  for (let count = whole(random, 1, 12); count > 0; count -= 1) {
    const at = isAtTheEnds
      ? random.chance(0.5)
        ? whole(random, 0, Math.min(64, copy.length))
        : whole(random, Math.max(0, copy.length - 400), copy.length)
      : whole(random, 0, copy.length);
    copy[at] = random.chance(0.3) ? random.pick([0, 0xff, 0x7f, 0x80]) : whole(random, 0, 256);
  }
  return copy;
}

type Members = Record<string, string | Buffer>;

/** A zip that is well formed and holds something strange. */
export function mutateZip(random: SeededRandom, members: Members): Buffer {
  const names = Object.keys(members);
  const name = random.pick(names);
  const content = members[name] ?? '';
  const changed = { ...members };
  const style = { flags: random.pick([0, 2, 10]), method: random.pick([0, 8] as const) };
  switch (whole(random, 0, 8)) {
    case 0:
      delete changed[name];
      break;
    case 1:
      changed[
        random.pick(['../x.json', '/x.json', 'C:/x', 'a\\b.json', 'map/MAP.json', '', 'ä.json'])
      ] = content;
      break;
    case 2:
      changed['map/bomb.json'] = Buffer.alloc(whole(random, 1, 40) * 2 ** 20, ' ');
      break;
    case 3:
      return mutateBytes(random, writeZip(members, style));
    case 4: {
      const bytes = writeZip(members, style);
      // Any number in the directory or the end: offsets, sizes, counts, methods, flags.
      const at = bytes.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1')) + whole(random, 4, 46);
      bytes[at] = whole(random, 0, 256);
      return bytes;
    }
    default:
      changed[name] = Buffer.isBuffer(content)
        ? mutateBytes(random, content)
        : mutateText(random, content);
  }
  return writeZip(changed, style);
}
