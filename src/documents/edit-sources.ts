import { DocumentError } from '../lib/errors.ts';
import { changeConnection } from './change-connection.ts';
import { describeConnection } from './describe-connection.ts';
import type { DocumentConnection } from './document-connection.ts';
import { type EditSession, type Item, isMeant } from './edit-session.ts';
import { type FoundConnection, findConnections } from './found-connections.ts';
import type { SourceChange } from './map-edits.ts';
import { listNearest } from './nearest-names.ts';
import { fillTarget, matchSource } from './source-match.ts';

const maxShown = 2_000;

/**
 * Points sources at other data. Each connection follows the first rule that means it, so a rule cannot undo
 * another.
 *
 * @throws DocumentError nothing_matched for a rule that means nothing, or changes nothing: a wish that is silently
 *   not fulfilled is the worst outcome
 */
export function changeSources(
  session: EditSession,
  rules: readonly SourceChange[],
  folder: string | undefined,
): void {
  const shown = session.items();
  const items = [...shown, ...session.unusedItems(shown)];
  const met = rules.map(() => ({ matched: 0, changed: 0 }));
  const seen: DocumentConnection[] = [];
  for (const item of items) {
    if (item.isSublayer) continue;
    for (const found of findConnections(item.node)) {
      const before = describeConnection(found, { folder });
      if (seen.length < maxShown) seen.push(before);
      for (const [index, rule] of rules.entries()) {
        const parts = matchSource(rule.from, before, (selector) => isMeant(selector, item));
        const count = met[index];
        if (!parts || !count) continue;
        count.matched += 1;
        const isChanged = changeOne(session, { item, found, before }, () =>
          changeConnection(found.node, before, fillTarget(rule.to, parts)),
        );
        if (isChanged) count.changed += 1;
        break;
      }
    }
  }
  refuseUnmet(rules, met, seen);

  function changeOne(
    { changes }: EditSession,
    { item, found, before }: { item: Item; found: FoundConnection; before: DocumentConnection },
    change: () => string[],
  ): boolean {
    const letters = lettersOf(found);
    for (const note of naming(item, change)) session.notes.add(note);
    found.commit();
    if (lettersOf(found) === letters) return false;
    const after = describeConnection(found, { folder });
    changes.push({
      operation: 'changeSources',
      map: item.map.name,
      layer: item.path,
      uri: item.uri,
      before,
      after,
    });
    return true;
  }
}

function lettersOf({ node }: FoundConnection): string {
  return node.write();
}

/** A refusal names the layer it is about. */
function naming<T>(item: Item, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    throw new DocumentError(error.code, `${item.path}: ${error.message}`, {
      cause: error,
      facts: { layer: item.path },
    });
  }
}

function refuseUnmet(
  rules: readonly SourceChange[],
  met: readonly { matched: number; changed: number }[],
  seen: readonly DocumentConnection[],
): void {
  const unmet = rules.flatMap((_, index) => (met[index]?.changed ? [] : [index]));
  if (unmet.length === 0) return;
  const places = seen.map(inShort);
  const reasons = unmet.map((index) => {
    const matched = met[index]?.matched;
    if (matched) return `rule ${index + 1} means ${matched} sources that are as wished already`;
    const wanted = Object.values(rules[index]?.from ?? {}).join(' ');
    return `rule ${index + 1} means no source; the nearest: ${listNearest(wanted, places, 5)}`;
  });
  throw new DocumentError(
    'nothing_matched',
    `changeSources: nothing was written: ${reasons.join('; ')}.`,
    { facts: { operation: 'changeSources', rules: unmet } },
  );
}

function inShort(connection: DocumentConnection): string {
  const { kind, path, url, host, instance, database, dataset } = connection;
  const place = path ?? url ?? [host ?? instance, database].filter(Boolean).join('/');
  return [kind, place, dataset && `(${dataset})`].filter(Boolean).join(' ');
}
