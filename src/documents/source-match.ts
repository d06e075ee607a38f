import { DocumentError } from '../lib/errors.ts';
import type { DocumentConnection } from './document-connection.ts';
import type { SourceMatch, SourceTarget } from './map-edits.ts';
import { TimedPattern } from './timed-pattern.ts';
import { matchWildcard } from './wildcard.ts';
import { toComparable } from './windows-path.ts';

/** Parts of what matched, for the templates of the target. */
export type MatchedParts = Record<string, string>;

/** @returns undefined when the connection is not meant */
export function matchSource(
  match: SourceMatch,
  connection: DocumentConnection,
  isLayerMeant: (selector: string) => boolean,
): MatchedParts | undefined {
  const { layer, host } = match;
  if (layer !== undefined && !isLayerMeant(layer)) return undefined;
  if (match.kind !== undefined && match.kind !== connection.kind) return undefined;
  if (host !== undefined && ![host].flat().some((each) => isSame(each, connection.host)))
    return undefined;
  for (const name of [
    'platform',
    'instance',
    'database',
    'user',
    'version',
    'authentication',
  ] as const) {
    if (match[name] !== undefined && !isSame(match[name], connection[name])) return undefined;
  }
  return matchPlace(match, connection);
}

function isSame(wanted: string, found: string | undefined): boolean {
  return found !== undefined && wanted.toLowerCase() === found.toLowerCase();
}

function matchPlace(match: SourceMatch, connection: DocumentConnection): MatchedParts | undefined {
  const parts: MatchedParts = {
    dataset: connection.dataset ?? '',
    datasetName: (connection.dataset ?? '').split('.').at(-1) ?? '',
  };
  const places = placesOf(connection);
  if (match.workspace !== undefined) {
    const wanted = toComparable(match.workspace);
    if (!places.some((place) => toComparable(place) === wanted)) return undefined;
  }
  if (match.wildcard !== undefined) {
    const { wildcard } = match;
    const stars = places.map((place) => matchWildcard(wildcard, place)).find(Boolean);
    if (!stars) return undefined;
    addStars(parts, '', stars);
  }
  if (match.pattern !== undefined) {
    const pattern = patternOf(match, match.pattern);
    const groups = places.map((place) => pattern.match(place)).find(Boolean);
    if (!groups) return undefined;
    for (const [name, value] of Object.entries(groups)) parts[name] = value ?? '';
  }
  return matchDataset(match, connection, parts);
}

function matchDataset(
  match: SourceMatch,
  connection: DocumentConnection,
  parts: MatchedParts,
): MatchedParts | undefined {
  if (match.dataset !== undefined) {
    const stars = matchWildcard(match.dataset, connection.dataset ?? '');
    if (!stars) return undefined;
    addStars(parts, 'dataset', stars);
  }
  if (match.featureDataset !== undefined) {
    if (!matchWildcard(match.featureDataset, connection.featureDataset ?? '')) return undefined;
  }
  return parts;
}

function addStars(parts: MatchedParts, prefix: string, stars: readonly string[]): void {
  for (const [index, star] of stars.entries()) parts[`${prefix}${index + 1}`] = star;
}

/** The ways in which the place may be named: as written, with the folder of the document, a database in short. */
function placesOf({ path, resolvedPath, url, host, database }: DocumentConnection): string[] {
  const inShort = host === undefined ? undefined : `${host}/${database ?? ''}`;
  return [path, resolvedPath, url, inShort].filter((place) => place !== undefined);
}

const patterns = new WeakMap<SourceMatch, TimedPattern>();

/** Made once for a rule, which is held against every source. */
function patternOf(match: SourceMatch, pattern: string): TimedPattern {
  const known = patterns.get(match) ?? new TimedPattern(pattern);
  patterns.set(match, known);
  return known;
}

/**
 * The target with every `{part}` filled in.
 *
 * @throws DocumentError edit_refused for a part that the match does not have
 */
export function fillTarget(target: SourceTarget, parts: MatchedParts): SourceTarget {
  return Object.fromEntries(
    Object.entries(target).map(([name, value]) => [
      name,
      typeof value === 'string' ? fill(value, parts) : value,
    ]),
  ) as SourceTarget;
}

function fill(template: string, parts: MatchedParts): string {
  return template.replaceAll(/\{(\w{1,60})\}/g, (_, name: string) => {
    const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
    if (part !== undefined) return part;
    throw new DocumentError(
      'edit_refused',
      `The match has no part {${name}}; it has ${Object.keys(parts).join(', ')}.`,
    );
  });
}
