import { DocumentError } from '../lib/errors.ts';
import { toText } from './cim-node.ts';
import type { DraftChange, DraftEdits, ExtensionEdit } from './draft-edits.ts';
import { DraftEditing, keptThings, noExtension, unchanged } from './edit-draft.ts';
import { type JsonNode, parseJsonNode } from './json-node.ts';
import { parseXmlNode } from './xml-node.ts';

export type DefinitionTexts = { manifest: Buffer; configuration: Buffer };

/**
 * The same edits on a staged definition: its manifest and its service configuration, nothing else. That a site heeds
 * each of them is not verified.
 *
 * @throws DocumentError nothing_matched; edit_refused for what stands in other members
 */
export function editDefinition(
  { manifest, configuration }: DefinitionTexts,
  edits: DraftEdits,
): { texts: DefinitionTexts; changes: DraftChange[] } {
  const inItem = ['title', 'summary', 'tags', 'credits', 'useLimitation'] as const;
  refuseStagedAlready(edits);
  const refused = inItem.filter((name) => edits[name] !== undefined);
  if (refused.length > 0) {
    throw new DocumentError(
      'edit_refused',
      `A staged definition keeps ${refused.join(', ')} in members that are not changed here: edit the draft, or the item after publishing.`,
    );
  }
  const editing = new DraftEditing();
  const root = parseXmlNode(toText(manifest, 'manifest.xml'), 'manifest.xml');
  const json = parseJsonNode(
    toText(configuration, 'serviceconfiguration.json'),
    'serviceconfiguration.json',
  );
  editManifest(editing, root, edits);
  editConfiguration(editing, json, edits);
  if (editing.changes.length === 0) throw unchanged();
  const texts = {
    manifest: Buffer.from(root.writeDocument()),
    configuration: Buffer.from(json.writeDocument()),
  };
  return { texts, changes: editing.changes };
}

function editManifest(
  editing: DraftEditing,
  root: ReturnType<typeof parseXmlNode>,
  edits: DraftEdits,
): void {
  const { serviceName, replace } = edits;
  if (serviceName !== undefined) editing.setText(root, 'Name', serviceName, 'manifest.xml/Name');
  if (replace !== undefined) {
    const type = `esriServiceDefinitionType_${replace ? 'Replacement' : 'New'}`;
    editing.setText(root, 'Type', type, 'manifest.xml/Type');
  }
  for (const [name, value] of keptThings(edits)) {
    editing.setText(root, name, value, `manifest.xml/${name}`);
  }
}

/** Staging has carried these out: the data are inside or they are not, and the state is Staged. */
function refuseStagedAlready({ copyData, markPublished }: DraftEdits): void {
  const what = copyData !== undefined ? 'copyData' : markPublished ? 'markPublished' : undefined;
  if (what === undefined) return;
  throw new DocumentError(
    'edit_refused',
    `${what} has no meaning in a staged definition: edit the draft and stage it again.`,
  );
}

/** How the keys of a draft are called in the service configuration. Read from pairs of files. */
function editConfiguration(editing: DraftEditing, root: JsonNode, edits: DraftEdits): void {
  const service = root.child('service');
  if (service?.kind !== 'object') {
    throw new DocumentError(
      'unreadable_document',
      'serviceconfiguration.json describes no service.',
    );
  }
  const texts = {
    serviceName: edits.serviceName,
    description: edits.description,
    capabilities: edits.capabilities?.join(','),
    isolationLevel: edits.instances?.isolation?.toUpperCase(),
    configuredState: edits.state?.toUpperCase(),
  };
  const numbers = {
    minInstancesPerNode: edits.instances?.min,
    maxInstancesPerNode: edits.instances?.max,
    instancesPerContainer: edits.instances?.perContainer,
    maxUsageTime: edits.timeouts?.usage,
    maxWaitTime: edits.timeouts?.wait,
    maxIdleTime: edits.timeouts?.idle,
    maxStartupTime: edits.timeouts?.startup,
    keepAliveInterval: edits.timeouts?.keepAlive,
  };
  if (edits.folder !== undefined)
    setMember(editing, root, 'folderName', JSON.stringify(edits.folder), '');
  for (const [key, value] of Object.entries(texts)) {
    if (value !== undefined) setMember(editing, service, key, JSON.stringify(value), 'service');
  }
  for (const [key, value] of Object.entries(numbers)) {
    if (value !== undefined) setMember(editing, service, key, String(value), 'service');
  }
  setProperties(editing, service, edits.properties, 'service');
  for (const edit of edits.extensions ?? []) editExtension(editing, service, edit);
}

function setMember(
  editing: DraftEditing,
  node: JsonNode,
  key: string,
  literal: string,
  place: string,
): void {
  const there = node.child(key);
  const before = there ? there.text() : null;
  const after = literal.startsWith('"') ? (JSON.parse(literal) as string) : literal;
  const path = ['serviceconfiguration.json', place, there?.key ?? key].filter(Boolean).join('/');
  if (editing.tell(path, before, after)) node.setLiteral(key, literal);
}

/** All properties are strings there, numbers too; their first letter is small. */
function setProperties(
  editing: DraftEditing,
  holder: JsonNode,
  properties: Record<string, string> | undefined,
  place: string,
): void {
  for (const [key, value] of Object.entries(properties ?? {})) {
    const set = holder.child('properties') ?? holder.createEmptyObject('properties');
    const name = set.child(key)?.key ?? key.charAt(0).toLowerCase() + key.slice(1);
    setMember(editing, set, name, JSON.stringify(value), `${place}/properties`);
  }
}

function editExtension(editing: DraftEditing, service: JsonNode, edit: ExtensionEdit): void {
  const extensions = service.items('extensions');
  const found = extensions.find(
    (each) => each.text('typeName').toLowerCase() === edit.typeName.toLowerCase(),
  );
  if (!found)
    throw noExtension(
      edit.typeName,
      extensions.map((each) => each.text('typeName')),
    );
  const place = `service/extensions[${found.text('typeName')}]`;
  if (edit.isEnabled !== undefined) {
    setMember(editing, found, 'enabled', JSON.stringify(String(edit.isEnabled)), place);
  }
  if (edit.capabilities) {
    setMember(editing, found, 'capabilities', JSON.stringify(edit.capabilities.join(',')), place);
  }
  setProperties(editing, found, edit.properties, place);
}
