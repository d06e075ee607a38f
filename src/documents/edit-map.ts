import { rm, writeFile } from 'node:fs/promises';
import { DocumentError } from '../lib/errors.ts';
import { addLayers } from './add-layers.ts';
import type { ArchiveLimits } from './archive-limits.ts';
import type { MapContent } from './document-content.ts';
import {
  removeLayers,
  renameLayers,
  setDefinitionExpressions,
  setVisibility,
} from './edit-layers.ts';
import { EditSession } from './edit-session.ts';
import { changeSources } from './edit-sources.ts';
import type { MapChange, MapEdits } from './map-edits.ts';
import { type MapFile, openMapFile } from './map-file.ts';
import { writeMapFile } from './map-file-writer.ts';
import { openProjectFile, type ProjectFile } from './project-file.ts';
import { writeProjectFile } from './project-file-writer.ts';
import { getForm, readText } from './read-document.ts';
import { checkMapFile, checkProjectFile } from './verify-edit.ts';

export type MapEditing = {
  source: string;
  target: string | undefined;
  layerFile: string | undefined;
  edits: MapEdits;
};

export type MapEdited = { kind: MapContent['kind']; changes: MapChange[]; notes: string[] };

/**
 * Changes a map file, a layer file or a project, and writes it as `target`; without a target it only tells what would
 * change. What was written is read again and compared with the plan before it counts.
 *
 * @throws DocumentError edit_refused | nothing_matched | archive_rejected | unreadable_document
 */
export async function editMap(
  { source, target, layerFile, edits }: MapEditing,
  { limits }: { limits: ArchiveLimits },
): Promise<MapEdited> {
  const form = await getForm(source);
  const layerSource = layerFile === undefined ? undefined : await openLayerSource(layerFile);
  if (form === 'json') {
    const file = openMapFile(await readText(source), 'The document');
    const session = carryOut(file, edits, layerSource);
    if (target !== undefined) await writeAndCheckMapFile(file, session, target);
    return toEdited(session);
  }
  if (form !== 'zip') {
    throw new DocumentError(
      'edit_refused',
      'Only .mapx, .lyrx and .aprx can be edited here; an .mxd has to be imported into a project with ArcPy first.',
    );
  }
  const project = await openProjectFile(source, limits);
  try {
    const session = carryOut(project, edits, layerSource);
    if (target !== undefined) await writeAndCheckProject(project, session, { target, limits });
    return toEdited(session);
  } finally {
    await project.zip.handle.close();
  }
}

async function openLayerSource(path: string): Promise<{ open: () => MapFile }> {
  if ((await getForm(path)) !== 'json') {
    throw new DocumentError('edit_refused', 'Layers are added from a .lyrx or a .mapx.');
  }
  const content = await readText(path);
  return { open: () => openMapFile(content, 'The layer file') };
}

/** Additions come first, so that all else reaches what was added too. */
function carryOut(
  store: MapFile | ProjectFile,
  edits: MapEdits,
  source: { open: () => MapFile } | undefined,
): EditSession {
  const session = new EditSession(store, edits.map);
  if (edits.addLayers) {
    if (!source) {
      throw new DocumentError('edit_refused', 'addLayers needs a layerFile: a .lyrx or a .mapx.');
    }
    addLayers(session, edits.addLayers, { source, folders: edits });
  }
  if (edits.changeSources) changeSources(session, edits.changeSources, edits.folder);
  if (edits.setDefinitionExpression)
    setDefinitionExpressions(session, edits.setDefinitionExpression);
  if (edits.setVisibility) setVisibility(session, edits.setVisibility);
  if (edits.renameLayers) renameLayers(session, edits.renameLayers);
  if (edits.removeLayers) removeLayers(session, edits.removeLayers);
  if (session.changes.length === 0) {
    throw new DocumentError('nothing_matched', 'No change was asked for.');
  }
  return session;
}

function toEdited(session: EditSession): MapEdited {
  return {
    kind: session.store.kind,
    changes: session.changes,
    notes: [...session.notes],
  };
}

async function writeAndCheckMapFile(
  file: MapFile,
  session: EditSession,
  target: string,
): Promise<void> {
  const written = writeMapFile(file, session);
  await writeFile(target, written, { mode: 0o600, flag: 'wx' });
  await orRemove(target, async () => checkMapFile(await readText(target), file));
}

async function writeAndCheckProject(
  project: ProjectFile,
  session: EditSession,
  { target, limits }: { target: string; limits: ArchiveLimits },
): Promise<void> {
  await orRemove(target, async () => {
    const changes = await writeProjectFile(project, session, target);
    await checkProjectFile(target, { project, session, changes, limits });
  });
}

async function orRemove<T>(target: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  }
}
