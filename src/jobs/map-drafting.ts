import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { buildBlankProject } from '../documents/blank-project.ts';
import type { DocumentConnection } from '../documents/document-connection.ts';
import type { MapContent, MapPart } from '../documents/document-content.ts';
import { MapEdits } from '../documents/map-edits.ts';
import type { ServiceDefinitionConnection } from '../documents/service-definition.ts';
import { DocumentError, RequestError } from '../lib/errors.ts';
import type { FindSources } from './analysis-judging.ts';
import { type DraftWish, refuseHosted } from './arcpy-inputs.ts';
import { endingOf, layIn, leadsOut, unpackData } from './arcpy-sources.ts';
import { type Drafting, type DraftingWork, draftFile, inFolder } from './definition-making.ts';
import { borrowUpload, getUpload } from './document-inputs.ts';
import { toDraftSettings } from './draft-settings.ts';
import { FileLink } from './file-link.ts';
import type { AcceptanceFacts } from './job-type.ts';
import type { UploadRecord } from './upload-records.ts';

export const MapSourceInputs = {
  document: FileLink.optional().describe('The map: a project (.aprx), a map file (.mapx), or .mxd'),
  documentPath: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe('Instead: where the map lies in the ZIP `data`'),
  map: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe('Name of the map, where the document has several'),
  layers: z
    .array(z.string().min(1).max(500))
    .min(1)
    .max(500)
    .optional()
    .describe('Layers to share, by name; all without it. Federated servers only'),
  data: FileLink.optional().describe('A ZIP of data, unpacked beside the document'),
  edit: MapEdits.strict()
    .optional()
    .describe('Change sources or add layers before, as `edit-map` does'),
  layerFile: FileLink.optional().describe('Layers that `edit.addLayers` adds: .lyrx or .mapx'),
} as const;

const instances = () => z.int().min(0).max(1_000).optional();
const flag = () => z.boolean().optional();
const words = (max = 4_000) => z.string().max(max).optional();

export const Pooling = z
  .strictObject({
    type: words(40).describe('Kind of pool'),
    minInstances: instances().describe('Least instances'),
    maxInstances: instances().describe('Most instances'),
  })
  .optional()
  .describe('Instances of the service');

export const Cache = z
  .strictObject({
    configuration: words(20_000).describe('Tiling scheme'),
    cacheOnDemand: flag().describe('Make tiles when they are asked for'),
    exportTiles: flag().describe('Let callers export tiles'),
    exportTilesCount: z.int().min(1).optional().describe('Most tiles of an export'),
    useExistingCache: flag().describe('Keep the tiles of a service that is replaced'),
  })
  .optional()
  .describe('Cache of tiles');

/** Properties of MapServiceDraft and MapImageSharingDraft, by their names there. */
export const MapServiceProperties = z
  .strictObject({
    checkUniqueIDAssignment: flag().describe('Layers without an id are an error (00374)'),
    maxRecordCount: z.int().min(1).optional().describe('Most records of an answer'),
    enableCache: flag().describe('Draw from a cache'),
    enableDynamicWorkspaces: flag().describe('Let callers change layers'),
    mapOperations: z
      .union([z.string().max(1_000), z.array(z.string().max(60)).max(30)])
      .optional()
      .describe('Operations of the service'),
    useCIMSymbols: flag().describe('Tell symbols as CIM; federated servers'),
    portalFolder: words(120).describe('Folder of the portal; federated servers'),
    sharing: z
      .strictObject({
        sharingLevel: z
          .enum(['OWNER', 'ORGANIZATION', 'EVERYONE'])
          .optional()
          .describe('Who sees it'),
        groups: z.array(z.string().max(300)).max(100).optional().describe('Groups that see it'),
      })
      .optional()
      .describe('Sharing of the item; federated servers'),
    cache: Cache,
    extension: z
      .strictObject({
        feature: z
          .strictObject({
            isEnabled: flag().describe('Feature access'),
            featureCapabilities: z
              .array(z.string().regex(/^\w{1,40}$/))
              .max(20)
              .optional()
              .describe('Such as `Query`, `Create`, `Update`, `Delete`'),
            allowTrueCurvesUpdates: flag().describe('Curves may be written'),
            onlyAllowTrueCurveUpdatesByTrueCurveClients: flag().describe(
              'By clients that know them',
            ),
            allowUpdateWithoutMValues: flag().describe('Writing without m is allowed'),
            zDefault: z
              .strictObject({
                enable: flag().describe('A default for z is used'),
                value: z.number().optional().describe('The default'),
              })
              .optional()
              .describe('Default of z'),
          })
          .optional()
          .describe('Feature access'),
      })
      .optional()
      .describe('Extensions that have properties of their own; others by `edits.extensions`'),
    timezone: z
      .strictObject({
        ID: words(100).describe('Time zone of the data'),
        DaylightSavingTime: flag().describe('With daylight saving'),
        preferredTimezoneID: words(100).describe('Time zone of answers'),
        preferredTimezoneIDDaylightSavingTime: flag().describe('With daylight saving'),
      })
      .optional()
      .describe('Time zones'),
    pooling: Pooling,
  })
  .optional()
  .describe('Properties of the map service, by the names that ArcPy has for them')
  .meta({ id: 'MapServiceProperties' });

const AnyMap = z.object({ ...MapSourceInputs, service: MapServiceProperties });
export type MapWish = DraftWish & z.output<typeof AnyMap>;

/** @throws RequestError for a document that is no map, and for what belongs to another kind of server */
export function acceptMap(wish: MapWish, { uploads }: AcceptanceFacts): void {
  refuseHosted(wish);
  checkSource(wish);
  const document = uploads.document;
  if (document && formOf(document) === undefined) {
    const kind = document.content?.kind;
    const detail = `is ${kind === undefined ? 'no map that ArcPy can open' : `a ${kind}`}; wanted: .aprx, .mapx or .mxd`;
    throw new RequestError('unreadable_document', `The document ${detail}.`, {
      errors: [{ pointer: '#/inputs/document', code: 'unreadable_document', detail }],
    });
  }
  if (wish.layers && wish.serverType !== 'federated')
    throw wrong('layers', 'is for serverType federated: a map service has all layers of its map');
  if (wish.edit?.addLayers && !wish.layerFile)
    throw wrong('layerFile', 'edit.addLayers takes its layers from a layerFile');
  if (wish.map !== undefined && document) checkMapName(wish.map, document);
}

function checkSource({ document, documentPath, data }: MapWish): void {
  if ((document === undefined) === (documentPath === undefined))
    throw wrong('document', 'send the document, or its documentPath in the ZIP data');
  if (documentPath === undefined) return;
  if (!data) throw wrong('data', 'documentPath is a path in the ZIP data, which is missing');
  if (leadsOut(documentPath) || !isForm(endingOf(documentPath)))
    throw wrong('documentPath', 'is a path in the ZIP that ends with .aprx, .mapx or .mxd');
}

function wrong(input: string, detail: string): RequestError {
  return new RequestError('validation_error', '1 fault in the inputs.', {
    errors: [{ pointer: `#/inputs/${input}`, code: 'invalid', detail }],
  });
}

function checkMapName(wanted: string, { content }: UploadRecord): void {
  if (content?.kind !== 'project' && content?.kind !== 'map-file') return;
  const names = content.maps.map(({ name }) => name);
  if (names.includes(wanted)) return;
  throw wrong('map', `there is no such map; there are: ${names.join(', ') || 'none'}`);
}

type Form = '.aprx' | '.mapx' | '.mxd';

/** The content tells; where it could not be read, the name does. */
function formOf({ content, name }: UploadRecord): Form | undefined {
  const forms = { project: '.aprx', 'map-file': '.mapx', 'arcmap-document': '.mxd' } as const;
  const known = forms[content?.kind as keyof typeof forms];
  if (known || content !== undefined) return known;
  const ending = endingOf(name);
  return isForm(ending) ? ending : undefined;
}

function isForm(ending: string): ending is Form {
  return ending === '.aprx' || ending === '.mapx' || ending === '.mxd';
}

export function draftMap(wish: MapWish): Drafting {
  return async (work) => {
    const { session, target } = work;
    const project = await openProject(wish, work);
    const content = await readProject(project, work);
    const settings = toDraftSettings(wish, target, wish.service ?? {});
    const drafted = await session.draftMap({
      project,
      draft: draftFile,
      serviceName: wish.serviceName,
      serverType: wish.serverType === 'federated' ? 'FEDERATED_SERVER' : 'STANDALONE_SERVER',
      settings,
      ...(wish.map !== undefined && { map: wish.map }),
      ...(wish.layers && { layers: wish.layers }),
    });
    return {
      kind: 'MapServer',
      findings: drafted.findings,
      missing: drafted.missing,
      settings,
      findSources: sourcesIn(content, wish.map),
    };
  };
}

/** Makes the project that ArcPy opens: the document itself, imported where it is none, and edited as wished. */
async function openProject(wish: MapWish, work: DraftingWork): Promise<string> {
  const { session, context } = work;
  const { file, form } = await layDocument(wish, work);
  await unpackData(session, wish.data, context);
  if (form === '.aprx') return await edited(wish, file, work);
  const source = form === '.mapx' ? await edited(wish, file, work) : file;
  const project = `${folderOf(file)}/imported.aprx`;
  await session.importMap(source, project, await getBlankProject(work));
  return form === '.mxd' ? await edited(wish, project, work) : project;
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

/** For settling findings only: a project that we cannot read is still one for ArcPy. */
async function readProject(
  project: string,
  { session, context, signal }: DraftingWork,
): Promise<MapContent | undefined> {
  try {
    const path = session.pathOf(project);
    const content = await context.documents.readDocument(path, { name: project, signal });
    return content.kind === 'project' ? content : undefined;
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
