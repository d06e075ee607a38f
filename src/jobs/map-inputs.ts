import { z } from 'zod';
import { MapEdits } from '../documents/map-edits.ts';
import { RequestError } from '../lib/errors.ts';
import { type DraftWish, refuseHosted } from './arcpy-inputs.ts';
import { endingOf, leadsOut } from './arcpy-sources.ts';
import { FileLink } from './file-link.ts';
import type { AcceptanceFacts } from './job-type.ts';
import { findNewerDocument } from './runtime-versions.ts';
import { findStagingDoubts } from './staging-version.ts';
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

export const Sharing = z
  .strictObject({
    sharingLevel: z.enum(['OWNER', 'ORGANIZATION', 'EVERYONE']).optional().describe('Who sees it'),
    groups: z.array(z.string().max(300)).max(100).optional().describe('Groups that see it'),
  })
  .optional()
  .describe('Sharing of the item; federated servers');

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
    sharing: Sharing,
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

/**
 * @returns warnings
 * @throws RequestError for a document that is no map, and for what belongs to another kind of server
 */
export function acceptMap(
  wish: MapWish,
  { uploads, runtimes = [], siteRecord }: AcceptanceFacts,
): string[] {
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
  return [
    ...findStagingDoubts('MapServer', wish, siteRecord?.version),
    ...doubtsAboutAge(document, runtimes),
  ];
}

/** Where one live ArcPy is new enough there is nothing to say yet: the one that gets the job says it. */
function doubtsAboutAge(
  document: UploadRecord | undefined,
  runtimes: NonNullable<AcceptanceFacts['runtimes']>,
): string[] {
  const versions = runtimes.flatMap(({ probe }) => (probe ? [probe.version] : []));
  const doubts = versions.map((version) => findNewerDocument(savedBy(document?.content), version));
  const [first] = doubts;
  return first !== undefined && doubts.every((doubt) => doubt !== undefined) ? [first] : [];
}

function savedBy(content: UploadRecord['content']): string | undefined {
  return content?.kind === 'project' || content?.kind === 'map-file' ? content.version : undefined;
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

export type Form = '.aprx' | '.mapx' | '.mxd';

/** The content tells; where it could not be read, the name does. */
export function formOf({ content, name }: UploadRecord): Form | undefined {
  const forms = { project: '.aprx', 'map-file': '.mapx', 'arcmap-document': '.mxd' } as const;
  const known = forms[content?.kind as keyof typeof forms];
  if (known || content !== undefined) return known;
  const ending = endingOf(name);
  return isForm(ending) ? ending : undefined;
}

export function isForm(ending: string): ending is Form {
  return ending === '.aprx' || ending === '.mapx' || ending === '.mxd';
}
