import { writeFile } from 'node:fs/promises';
import { ArcpyFaultError } from '../arcpy/arcpy-errors.ts';
import { buildBlankProject } from '../documents/blank-project.ts';
import type { DocumentConnection } from '../documents/document-connection.ts';
import type { MapContent, MapPart } from '../documents/document-content.ts';
import type { ServiceDefinitionConnection } from '../documents/service-definition.ts';
import { DocumentError } from '../lib/errors.ts';
import type { FindSources } from './analysis-judging.ts';
import { endingOf, layIn, unpackData } from './arcpy-sources.ts';
import { type Drafting, type DraftingWork, draftFile, inFolder } from './definition-making.ts';
import { borrowUpload, getUpload } from './document-inputs.ts';
import { toDraftSettings } from './draft-settings.ts';
import { type Form, formOf, isForm, type MapWish } from './map-inputs.ts';
import { findNewerDocument } from './runtime-versions.ts';
import type { UploadRecord } from './upload-records.ts';

export function draftMap(wish: MapWish): Drafting {
  return async (work) => {
    const { session, target } = work;
    const laid = await layMap(wish, work);
    const age = await warnOfAge(laid.content, work);
    const settings = toDraftSettings(wish, target, wish.service ?? {});
    const project = await sayingAge(age, () => toProject(laid, wish, work));
    const content = laid.content ?? (await readMap(project, work));
    const drafted = await sayingAge(age, () =>
      session.draftMap({
        project,
        draft: draftFile,
        serviceName: wish.serviceName,
        serverType: wish.serverType === 'federated' ? 'FEDERATED_SERVER' : 'STANDALONE_SERVER',
        settings,
        ...(wish.map !== undefined && { map: wish.map }),
        ...(wish.layers && { layers: wish.layers }),
      }),
    );
    return {
      kind: 'MapServer',
      findings: drafted.findings,
      missing: drafted.missing,
      settings,
      findSources: sourcesIn(content, wish.map),
    };
  };
}

type LaidMap = {
  file: string;
  form: Form;
  /** What can be read of it here, after the edits. */
  content: MapContent | undefined;
};

/** The document in the folder of the job, edited as wished where it can be edited here. */
async function layMap(wish: MapWish, work: DraftingWork): Promise<LaidMap> {
  const { file, form } = await layDocument(wish, work);
  await unpackData(work.session, wish.data, work.context);
  if (form === '.mxd') return { file, form, content: undefined };
  const changed = await edited(wish, file, work);
  return { file: changed, form, content: await readMap(changed, work) };
}

/** What ArcPy opens: the document itself, or what it imports where that is none. */
async function toProject(
  { file, form }: LaidMap,
  wish: MapWish,
  work: DraftingWork,
): Promise<string> {
  if (form === '.aprx') return file;
  const project = `${folderOf(file)}/imported.aprx`;
  await work.session.importMap(file, project, await getBlankProject(work));
  return form === '.mxd' ? await edited(wish, project, work) : project;
}

/** A document of a newer ArcGIS Pro may fail to open: it is tried, and said. */
async function warnOfAge(
  content: MapContent | undefined,
  { context }: DraftingWork,
): Promise<string | undefined> {
  const age = findNewerDocument(content?.version, context.arcpy.version() ?? '');
  if (age !== undefined) await context.warn(age);
  return age;
}

async function sayingAge<T>(age: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (age === undefined || !(error instanceof ArcpyFaultError)) throw error;
    if (error.code !== 'arcpy_refused') throw error;
    throw new ArcpyFaultError(error.code, `${error.message}. ${age}`, error.fault);
  }
}

async function layDocument(
  { document, documentPath = '' }: MapWish,
  { session, context }: DraftingWork,
): Promise<{ file: string; form: Form }> {
  if (!document) {
    const ending = endingOf(documentPath);
    const file = `${inFolder}/${documentPath.replaceAll('\\', '/')}`;
    return { file, form: isForm(ending) ? ending : '.aprx' };
  }
  const name = ({ name }: UploadRecord, form: Form) =>
    endingOf(name) === form ? name : name + form;
  const { file, upload } = await layIn(session, document, context, (it) =>
    name(it, formOf(it) ?? '.aprx'),
  );
  return { file, form: formOf(upload) ?? '.aprx' };
}

/** What is made of a document lies beside it, so that its relative paths go on. */
function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/'));
}

async function getBlankProject({ session, context }: DraftingWork): Promise<string> {
  const own = context.arcpy.blankProject();
  if (own !== undefined) return own;
  const file = session.pathOf('blank.aprx');
  await writeFile(file, await buildBlankProject());
  return file;
}

async function edited(
  { edit, layerFile, map }: MapWish,
  file: string,
  { session, context, signal }: DraftingWork,
): Promise<string> {
  if (!edit) return file;
  const target = `${folderOf(file)}/edited${endingOf(file)}`;
  const layers = layerFile && (await getUpload(layerFile, context));
  const carryOut = (layerPath: string | undefined) =>
    context.documents.editMap(
      {
        source: session.pathOf(file),
        target: session.pathOf(target),
        layerFile: layerPath,
        edits: { ...(map !== undefined && { map }), ...edit },
      },
      { signal },
    );
  const { notes } = layers
    ? await borrowUpload(layers, context, (path) => carryOut(path))
    : await carryOut(undefined);
  for (const note of notes) await context.warn(note);
  return target;
}

/** For settling findings only: a map that we cannot read is still one for ArcPy. */
async function readMap(
  file: string,
  { session, context, signal }: DraftingWork,
): Promise<MapContent | undefined> {
  try {
    const path = session.pathOf(file);
    const content = await context.documents.readDocument(path, { name: file, signal });
    return content.kind === 'project' || content.kind === 'map-file' ? content : undefined;
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    return undefined;
  }
}

function sourcesIn(content: MapContent | undefined, map: string | undefined): FindSources {
  return (layer) => {
    const maps = content?.maps.filter(({ name }) => map === undefined || name === map);
    const found = maps?.flatMap((each) => connectionsOf(each, layer)) ?? [];
    return found.length === 0 ? undefined : found.map(toConnection);
  };
}

function connectionsOf({ layers, tables }: MapPart, wanted: string | undefined) {
  const path = wanted?.replaceAll('\\', '/');
  const isMeant = (each: { name: string; path?: string }) =>
    path === undefined || each.path === path || each.name === path;
  return [...layers, ...tables].filter(isMeant).flatMap(({ connections }) => connections);
}

function toConnection(found: DocumentConnection): ServiceDefinitionConnection {
  const { kind, path, resolvedPath, platform, host, instance, database, user, version } = found;
  if (kind !== 'sde') return { kind: 'path', path: resolvedPath ?? path ?? '' };
  const known = { platform, host, instance, database, user, version };
  const filled = Object.entries(known).filter(([, value]) => value !== undefined);
  return { kind: 'database', ...Object.fromEntries(filled) };
}
