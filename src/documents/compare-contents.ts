import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { compareMaps } from './compare-maps.ts';
import type { DocumentContent, MapContent } from './document-content.ts';

export const DocumentDifference = z
  .object({
    map: z.string().optional().describe('Name of the map, where the documents have maps'),
    layer: z.string().optional().describe('Path of the layer or table, as it is in the second'),
    what: z
      .string()
      .describe('What differs: `layer`, `name`, `source`, `definitionExpression`, `symbology` …'),
    before: z.unknown().describe('As it is in the first; null: not there'),
    after: z.unknown().describe('As it is in the second; null: not there'),
  })
  .meta({ id: 'DocumentDifference' });
export type DocumentDifference = z.output<typeof DocumentDifference>;

/** Members that say how a file is packed, not what is in it. */
const packing = new Set(['kind', 'memberCount', 'unpackedBytes', 'sizeBytes']);

/**
 * What differs between two documents. Maps, layer files and projects can be compared with one another; of all else both
 * have to be of the same kind.
 *
 * @returns nothing when they cannot be compared
 */
export function compareContents(
  before: DocumentContent,
  after: DocumentContent,
): DocumentDifference[] | undefined {
  if (isMaps(before) && isMaps(after)) return compareMaps(before, after);
  if (before.kind !== after.kind) return undefined;
  return compareMembers(before, after, []);
}

function isMaps(content: DocumentContent): content is MapContent {
  return ['project', 'map-file', 'layer-file'].includes(content.kind);
}

function compareMembers(before: unknown, after: unknown, path: string[]): DocumentDifference[] {
  if (isDeepStrictEqual(before, after)) return [];
  const [one, other] = [toMembers(before), toMembers(after)];
  if (!one || !other) {
    return [{ what: path.join('/'), before: before ?? null, after: after ?? null }];
  }
  return [...new Set([...one.keys(), ...other.keys()])]
    .filter((key) => path.length > 0 || !packing.has(key))
    .flatMap((key) => compareMembers(one.get(key), other.get(key), [...path, key]));
}

/** Entries of lists are told apart by their name, so that one more does not change all that follow. */
function toMembers(value: unknown): Map<string, unknown> | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const names = value.map((entry: unknown) => {
    const { typeName, name } = Object(entry) as { typeName?: unknown; name?: unknown };
    return String(typeName ?? name ?? '');
  });
  const areNamed = new Set(names).size === value.length && !names.includes('');
  return areNamed ? new Map(value.map((entry, at) => [names[at] ?? '', entry])) : undefined;
}
