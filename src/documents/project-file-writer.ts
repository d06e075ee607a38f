import { DocumentError } from '../lib/errors.ts';
import { isJson, toUriKey } from './cim-node.ts';
import type { EditSession } from './edit-session.ts';
import { writeStyled } from './json-style.ts';
import type { ProjectFile } from './project-file.ts';
import {
  findNamed,
  type IndexedMember,
  rebuildJsonIndex,
  withoutIndexEntries,
} from './project-index.ts';
import { copyZip, type ZipChanges } from './zip-copy.ts';

/**
 * Writes an edited project: changed members in their own form, new ones as ArcGIS Pro writes them (one line, without
 * blanks), and the index when members come or go. All other members are copied as they are packed.
 *
 * @returns what was changed, to be held against what is read again
 */
export async function writeProjectFile(
  project: ProjectFile,
  session: EditSession,
  target: string,
): Promise<ZipChanges> {
  const contents = new Map<string, Buffer>();
  const added: IndexedMember[] = [];
  for (const [key, { uri, kind, node }] of project.definitions) {
    const member = project.memberOf.get(key);
    if (member !== undefined) {
      if (node.isChanged) contents.set(member, Buffer.from(node.writeDocument()));
      continue;
    }
    if (!isJson(node)) throw new Error('Only members of JSON can be added');
    const text = writeMinified(node);
    const name = uri.replace(/^CIMPATH=/i, '');
    contents.set(name, Buffer.from(text));
    added.push({ name, kind: kind === 'table' ? 'StandaloneTable' : 'Layer', text });
  }
  for (const [uri, data] of session.addedBinaries) {
    const name = uri.replace(/^CIMPATH=/i, '');
    contents.set(name, Buffer.from(data));
    added.push({ name, kind: 'BinaryReference', text: '' });
  }
  const removed = findRemoved(project, session);
  noteLeftReferences(project, session, removed);
  if (added.length > 0 || removed.size > 0) addIndex(project, { contents, added, removed });
  const changes = { contents, removed };
  await copyZip(project.zip, target, changes);
  return changes;
}

function writeMinified(node: Parameters<typeof writeStyled>[0]): string {
  const parts: string[] = [];
  const style = { newline: '', indent: '', colon: ':', escapesAngles: false };
  writeStyled(node, style, { parts, depth: 0 });
  return parts.join('');
}

/** Members of removed definitions, and metadata that nobody else names. */
function findRemoved(project: ProjectFile, session: EditSession): Set<string> {
  const removed = new Set<string>();
  for (const key of session.removed) {
    const member = project.memberOf.get(key);
    if (member !== undefined) removed.add(member);
  }
  const needed = new Set(
    [...project.definitions.values()].map(({ node }) => toUriKey(node.text('metadataURI'))),
  );
  for (const uri of session.removedMetadata) {
    const member = project.zip.members.find(({ name }) => toUriKey(name) === toUriKey(uri));
    if (member && !needed.has(toUriKey(uri))) removed.add(member.name);
  }
  return removed;
}

function addIndex(
  project: ProjectFile,
  {
    contents,
    added,
    removed,
  }: ZipChanges & { contents: Map<string, Buffer>; added: IndexedMember[] },
): void {
  const { index } = project;
  if (!index) {
    throw new DocumentError(
      'edit_refused',
      'The project has no index, so nothing can be added or taken out.',
    );
  }
  const gone = new Set([...removed].map((name) => name.toLowerCase()));
  if (/\.ind$/i.test(index.name)) {
    contents.set(index.name, withoutIndexEntries(index.content, gone));
    return;
  }
  const nodes = new Map(
    [...project.memberOf].map(([key, name]) => [name, project.definitions.get(key)?.node]),
  );
  contents.set(
    index.name,
    rebuildJsonIndex(index.content, {
      added,
      removed: gone,
      textOf: (name) => nodes.get(name)?.write(),
    }),
  );
}

/** Legends of layouts, masks and the like may go on naming what was taken out; ArcGIS Pro leaves such names too. */
function noteLeftReferences(
  project: ProjectFile,
  session: EditSession,
  removed: ReadonlySet<string>,
): void {
  if (removed.size === 0) return;
  const gone = new Set([...removed].map((name) => name.toLowerCase()));
  for (const { uri, node } of project.definitions.values()) {
    if (findNamed(node.write()).some((name) => gone.has(name))) {
      session.notes.add(`${uri} still names a layer that was taken out, such as in a legend`);
    }
  }
}
