import { DocumentError } from '../lib/errors.ts';
import { redactSecrets } from '../lib/redact.ts';
import { isPasswordName } from './connection-string.ts';
import type { DraftChange, DraftEdits, ExtensionEdit } from './draft-edits.ts';
import { extensionsOf, findProperty, nodeAt } from './draft-file.ts';
import type { XmlNode } from './xml-node.ts';
import { escapeXml } from './xml-text.ts';

const publishTypes = {
  true: 'esriServiceDefinitionType_Replacement',
  false: 'esriServiceDefinitionType_New',
} as const;

/** Changes that are told, and a way to make them. */
export class DraftEditing {
  readonly changes: DraftChange[] = [];

  tell(place: string, before: string | null, after: string | null): boolean {
    if (before === after) return false;
    const isSecret = isPasswordName(place.split('/').at(-1) ?? '');
    const shown = (text: string | null) =>
      text === null ? null : isSecret ? '***' : redactSecrets(text);
    this.changes.push({ place, before: shown(before), after: shown(after) });
    return true;
  }

  /** @throws DocumentError nothing_matched when there is no such place */
  setText(parent: XmlNode | undefined, name: string, value: string, place: string): void {
    const node = parent?.child(name);
    if (!node) throw missing(place);
    if (this.tell(place, node.text(), value)) node.setOwnText(value);
  }

  /** Sets a value of a property set under the key as it is written; a key that is not there is put in. */
  setProperty(set: XmlNode | undefined, key: string, value: string, place: string): void {
    const array = set?.child('PropertyArray');
    if (!array) throw missing(place);
    const property = findProperty(set, key);
    const node = property?.child('Value');
    if (node) {
      const path = `${place}/${property?.text('Key')}`;
      if (this.tell(path, node.isNil ? null : node.text(), value)) node.setOwnText(value);
      return;
    }
    this.tell(`${place}/${key}`, null, value);
    array.insertAfter(
      array.kept.at(-1),
      `<PropertySetProperty xsi:type='typens:PropertySetProperty'><Key>${escapeXml(key)}</Key><Value xsi:type='xs:string'>${escapeXml(value)}</Value></PropertySetProperty>`,
    );
  }

  /** Like `setProperty`, but only where the key is there. */
  setPropertyIfThere(set: XmlNode | undefined, key: string, value: string, place: string): void {
    if (findProperty(set, key)) this.setProperty(set, key, value, place);
  }
}

/**
 * Edits a draft by named operations. Each place is found by its whole path, for the same names stand on many levels;
 * all else stays letter by letter.
 *
 * @throws DocumentError nothing_matched when a place is not there, or nothing changes unless it may stay
 */
export function editDraft(
  root: XmlNode,
  edits: DraftEdits,
  { mayStay = false }: { mayStay?: boolean } = {},
): DraftChange[] {
  const editing = new DraftEditing();
  const service = nodeAt(root, 'Configurations', 'SVCConfiguration');
  const definition = service?.child('Definition');
  editRoot(editing, root, edits);
  editItem(editing, root.child('ItemInfo'), edits);
  const at = 'Configurations/SVCConfiguration';
  if (edits.folder !== undefined) {
    editing.setText(service, 'ServiceFolder', edits.folder, `${at}/ServiceFolder`);
  }
  if (edits.description !== undefined) {
    editing.setText(definition, 'Description', edits.description, `${at}/Definition/Description`);
  }
  if (edits.capabilities) {
    const value = edits.capabilities.join(',');
    editing.setProperty(
      definition?.child('Info'),
      'WebCapabilities',
      value,
      `${at}/Definition/Info`,
    );
  }
  editPool(editing, definition, edits, `${at}/Definition`);
  for (const [key, value] of Object.entries(edits.properties ?? {})) {
    const properties = definition?.child('ConfigurationProperties');
    editing.setProperty(properties, key, value, `${at}/Definition/ConfigurationProperties`);
  }
  for (const edit of edits.extensions ?? []) editExtension(editing, root, edit);
  if (editing.changes.length === 0 && !mayStay) throw unchanged();
  return editing.changes;
}

export function unchanged(): DocumentError {
  return new DocumentError(
    'nothing_matched',
    'Everything is as wished already; nothing was written.',
  );
}

function editRoot(editing: DraftEditing, root: XmlNode, edits: DraftEdits): void {
  if (edits.replace !== undefined) {
    const type = publishTypes[String(edits.replace) as 'true' | 'false'];
    // Whether State has to change with it is not known; it stays.
    editing.setText(root, 'Type', type, 'Type');
  }
  if (edits.markPublished) editing.setText(root, 'State', 'esriSDState_Published', 'State');
  if (edits.copyData !== undefined) setDataCopy(editing, root, edits.copyData);
  for (const [name, value] of keptThings(edits)) editing.setText(root, name, value, name);
  if (edits.serviceName === undefined) return;
  editing.setText(root, 'Name', edits.serviceName, 'Name');
  const service = nodeAt(root, 'Configurations', 'SVCConfiguration');
  if (service) {
    editing.setText(service, 'Name', edits.serviceName, 'Configurations/SVCConfiguration/Name');
  }
  const item = root.child('ItemInfo');
  if (item?.child('Name')) editing.setText(item, 'Name', edits.serviceName, 'ItemInfo/Name');
}

/** What of a service that is replaced stays, by the names of both manifests. */
export function keptThings({ keepData, keepCache }: DraftEdits): [name: string, value: string][] {
  return [
    ...(keepData === undefined ? [] : [['KeepExistingData', String(keepData)] as [string, string]]),
    ...(keepCache === undefined
      ? []
      : [['KeepExistingMapCache', String(keepCache)] as [string, string]]),
  ];
}

/** The two switches as they stand together in drafts of ArcGIS Pro 2 that copy. */
function setDataCopy(editing: DraftEditing, root: XmlNode, isCopied: boolean): void {
  const settings = root.child('StagingSettings');
  const written = isCopied ? 'TRUE' : 'FALSE';
  const before = findProperty(settings, 'IncludeDataInSDFile')?.text('Value');
  if (before?.toUpperCase() !== written) {
    editing.setProperty(settings, 'IncludeDataInSDFile', written, 'StagingSettings');
  }
  editing.setText(root, 'ByReference', String(!isCopied), 'ByReference');
}

function editItem(editing: DraftEditing, item: XmlNode | undefined, edits: DraftEdits): void {
  const texts = {
    Title: edits.title,
    Description: edits.description,
    Snippet: edits.summary,
    Credits: edits.credits,
    AccessInformation: edits.useLimitation,
  };
  for (const [name, value] of Object.entries(texts)) {
    if (value !== undefined) editing.setText(item, name, value, `ItemInfo/${name}`);
  }
  if (!edits.tags) return;
  if (!item) throw missing('ItemInfo/Tags');
  const tags = item.child('Tags');
  const before = tags ? tags.kept.map((tag) => tag.text()).join(', ') || tags.text() : null;
  if (!editing.tell('ItemInfo/Tags', before, edits.tags.join(', '))) return;
  const strings = edits.tags.map((tag) => `<String>${escapeXml(tag)}</String>`);
  if (tags && !tags.isNil) {
    for (const tag of tags.kept) tags.removeChild(tag);
    for (const string of strings.reverse()) tags.insertAfter(undefined, string);
    return;
  }
  // Drafts of ArcMap have none; that it reads them from here is not verified.
  const element = `<Tags xsi:type='typens:ArrayOfString'>${strings.join('')}</Tags>`;
  item.insertAfter(tags ?? item.child('Description'), element);
  if (tags) item.removeChild(tags);
}

/** Of a geoprocessing service some of them stand a second time among its properties. */
function editPool(
  editing: DraftEditing,
  definition: XmlNode | undefined,
  { instances, timeouts, state }: DraftEdits,
  at: string,
): void {
  const wanted: [key: string, value: string | number | undefined][] = [
    ['MinInstances', instances?.min],
    ['MaxInstances', instances?.max],
    ['InstancesPerContainer', instances?.perContainer],
    ['Isolation', instances?.isolation],
    ['UsageTimeout', timeouts?.usage],
    ['WaitTimeout', timeouts?.wait],
    ['IdleTimeout', timeouts?.idle],
    ['StartupTimeout', timeouts?.startup],
    ['keepAliveInterval', timeouts?.keepAlive],
    ['configuredState', state?.toUpperCase()],
  ];
  for (const [key, value] of wanted) {
    if (value === undefined) continue;
    editing.setProperty(definition?.child('Props'), key, String(value), `${at}/Props`);
    const twins = definition?.child('ConfigurationProperties');
    editing.setPropertyIfThere(twins, key, String(value), `${at}/ConfigurationProperties`);
  }
}

function editExtension(editing: DraftEditing, root: XmlNode, edit: ExtensionEdit): void {
  const extensions = extensionsOf(root);
  const found = extensions.find(
    (each) => each.text('TypeName').toLowerCase() === edit.typeName.toLowerCase(),
  );
  if (!found)
    throw noExtension(
      edit.typeName,
      extensions.map((each) => each.text('TypeName')),
    );
  const at = `Extensions/SVCExtension[${found.text('TypeName')}]`;
  if (edit.isEnabled !== undefined) {
    editing.setText(found, 'Enabled', String(edit.isEnabled), `${at}/Enabled`);
  }
  if (edit.capabilities) {
    editing.setProperty(
      found.child('Info'),
      'WebCapabilities',
      edit.capabilities.join(','),
      `${at}/Info`,
    );
  }
  for (const [key, value] of Object.entries(edit.properties ?? {})) {
    editing.setProperty(found.child('Props'), key, value, `${at}/Props`);
  }
}

export function noExtension(typeName: string, there: readonly string[]): DocumentError {
  return new DocumentError(
    'nothing_matched',
    `There is no extension ${typeName}; there are: ${there.join(', ') || 'none'}.`,
  );
}

function missing(place: string): DocumentError {
  return new DocumentError('nothing_matched', `The draft has no ${place}.`);
}
