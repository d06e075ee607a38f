import { DocumentError } from '../lib/errors.ts';
import { redactSecrets } from '../lib/redact.ts';
import { type CimNode, isJson, toUriKey } from './cim-node.ts';
import { type EditSession, type Item, select } from './edit-session.ts';
import type { MapEdits } from './map-edits.ts';

type Wishes<Name extends keyof MapEdits> = NonNullable<MapEdits[Name]>;

/** Only the name changes: URI and member name stay, for they are opaque and named elsewhere. */
export function renameLayers(session: EditSession, wishes: Wishes<'renameLayers'>): void {
  for (const { layer, name } of wishes) {
    const found = select(layer, session.items(), 'renameLayers');
    const changed = found.filter((item) => item.name !== name);
    refuseUnchanged('renameLayers', layer, changed);
    for (const item of changed) {
      item.node.setText('name', name);
      session.tell(item, { operation: 'renameLayers', before: item.name, after: name });
    }
  }
}

export function setVisibility(session: EditSession, wishes: Wishes<'setVisibility'>): void {
  for (const { layer, isVisible } of wishes) {
    const layers = session.items().filter(({ isTable }) => !isTable);
    const found = select(layer, layers, 'setVisibility');
    const changed = found.filter(({ node }) => readVisibility(node) !== isVisible);
    refuseUnchanged('setVisibility', layer, changed);
    for (const item of changed) {
      const { node } = item;
      if (isJson(node)) node.setLiteral('visibility', String(isVisible));
      else node.setText('visibility', String(isVisible));
      session.tell(item, { operation: 'setVisibility', before: !isVisible, after: isVisible });
    }
  }
}

function readVisibility(node: CimNode): boolean {
  return node.text('visibility').toLowerCase() === 'true';
}

/**
 * Sets the active expression. Where the layer keeps several under names, the one in use changes with it, else
 * ArcGIS Pro would go on showing the old one.
 */
export function setDefinitionExpressions(
  session: EditSession,
  wishes: Wishes<'setDefinitionExpression'>,
): void {
  for (const { layer, expression } of wishes) {
    const found = select(layer, session.items(), 'setDefinitionExpression');
    const able = found.flatMap((item) => {
      const holder = expressionHolder(item);
      return holder ? [{ item, holder }] : [];
    });
    if (able.length === 0) {
      throw new DocumentError(
        'edit_refused',
        `setDefinitionExpression: ${found.map(({ path }) => path).join(', ')} has no features to choose from.`,
      );
    }
    const changed = able.filter(({ holder }) => readExpression(holder) !== (expression ?? ''));
    refuseUnchanged('setDefinitionExpression', layer, changed);
    for (const { item, holder } of changed) {
      const before = readExpression(holder);
      writeExpression(holder, expression);
      session.tell(item, {
        operation: 'setDefinitionExpression',
        before: before === '' ? null : redactSecrets(before),
        after: expression === null ? null : redactSecrets(expression),
      });
    }
  }
}

/** A feature layer keeps it in its table, a stand-alone table and a mosaic in itself. */
function expressionHolder({ node, isTable, isSublayer }: Item): CimNode | undefined {
  if (isSublayer) return undefined;
  if (isTable) return node;
  const table = node.child('featureTable') as CimNode | undefined;
  return table ?? (node.child('definitionExpression') ? node : undefined);
}

function readExpression(holder: CimNode): string {
  return holder.text('definitionExpression');
}

function writeExpression(holder: CimNode, expression: string | null): void {
  const inUse = holder.text('definitionExpressionName');
  const choice = inUse
    ? (holder.items('definitionFilterChoices') as CimNode[]).find(
        (each) => each.text('name') === inUse,
      )
    : undefined;
  if (expression === null && isJson(holder)) {
    holder.remove('definitionExpression');
    holder.remove('definitionExpressionName');
    return;
  }
  holder.setText('definitionExpression', expression ?? '', { after: 'type' });
  if (expression === null) holder.setText('definitionExpressionName', '');
  else choice?.setText('definitionExpression', expression);
}

/**
 * Takes layers out: their place in the list above them, their definitions with all that is below, and metadata that
 * nobody else names.
 */
export function removeLayers(session: EditSession, selectors: Wishes<'removeLayers'>): void {
  for (const selector of selectors) {
    const leaving = withoutInner(select(selector, session.items(), 'removeLayers'));
    for (const item of leaving) {
      if (item.isSublayer) {
        throw new DocumentError(
          'edit_refused',
          `removeLayers: ${item.path} is a sublayer, which cannot be taken out of its layer.`,
        );
      }
      removeFromList(item);
    }
    const stillShown = new Set(session.items().map(({ node }) => node));
    for (const item of leaving) {
      removeDefinitions(session, item, stillShown);
      session.tell(item, { operation: 'removeLayers', before: item.uri, after: null });
    }
    for (const key of session.removed) session.store.definitions.delete(key);
  }
}

/** What stands in a group that leaves goes with it. A group comes before what is in it. */
function withoutInner(items: readonly Item[]): Item[] {
  const leaving = new Set<CimNode>();
  return items.filter(({ node, parent }) => {
    const goesAlong = leaving.has(parent);
    leaving.add(node);
    return !goesAlong;
  });
}

function removeFromList({ parent, uri, isTable, map }: Item): void {
  const lists = isTable ? [map.tableList] : ['layers', 'subtypeLayers'];
  for (const name of lists) {
    const list = parent.child(name) as CimNode | undefined;
    const entry = (parent.items(name) as CimNode[]).find(
      (each) => toUriKey(each.text()) === toUriKey(uri),
    );
    if (!list || !entry) continue;
    removeEntry(parent, list, entry);
  }
}

/** JSON leaves out what is empty, XML keeps the empty list. */
function removeEntry(parent: CimNode, list: CimNode, entry: CimNode): void {
  if (isJson(parent) && isJson(list) && isJson(entry)) {
    if (list.children.length === 1) parent.removeChild(list);
    else list.removeChild(entry);
  } else if (!isJson(list) && !isJson(entry)) list.removeChild(entry);
}

function removeDefinitions(
  session: EditSession,
  item: Item,
  stillShown: ReadonlySet<CimNode>,
): void {
  const open = [item.uri];
  for (let uri = open.pop(); uri !== undefined; uri = open.pop()) {
    const key = toUriKey(uri);
    const definition = session.store.definitions.get(key);
    if (!definition || session.removed.has(key) || stillShown.has(definition.node)) continue;
    session.removed.add(key);
    const metadata = definition.node.text('metadataURI');
    if (metadata) session.removedMetadata.add(metadata);
    for (const name of ['layers', 'subtypeLayers']) {
      open.push(...(definition.node.items(name) as CimNode[]).map((each) => each.text()));
    }
  }
}

function refuseUnchanged(what: string, layer: string, changed: readonly unknown[]): void {
  if (changed.length > 0) return;
  throw new DocumentError('nothing_matched', `${what}: ${layer} is as wished already.`, {
    facts: { operation: what, selector: layer },
  });
}
