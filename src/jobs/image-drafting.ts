import { z } from 'zod';
import { RequestError } from '../lib/errors.ts';
import { type DraftWish, refuseHosted, toLegacyDraft } from './arcpy-inputs.ts';
import { endingOf, layIn, leadsOut, unpackData } from './arcpy-sources.ts';
import { type Drafting, type DraftingWork, draftFile, inFolder } from './definition-making.ts';
import { toDraftSettings, toSettings, toTextEdits } from './draft-settings.ts';
import { FileLink } from './file-link.ts';
import type { AcceptanceFacts } from './job-type.ts';
import { Cache, Pooling, Sharing } from './map-inputs.ts';
import { findStagingDoubts } from './staging-version.ts';

export const ImageSourceInputs = {
  data: FileLink.optional().describe('The raster as a file, or a ZIP of rasters or a geodatabase'),
  path: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe('Raster or mosaic dataset: in the ZIP, or as the worker sees it'),
  analyzeMosaic: z
    .boolean()
    .default(false)
    .describe('Run Analyze Mosaic Dataset before (24022); it writes into the mosaic dataset'),
} as const;

const flag = () => z.boolean().optional();
const whole = () => z.int().min(0).optional();
const texts = () =>
  z.union([z.string().max(4_000), z.array(z.string().max(300)).max(200)]).optional();

/** Properties of ImageSharingDraft, by their names there. */
export const ImageServiceProperties = z
  .strictObject({
    maxRecordCount: whole().describe('Most records of an answer'),
    maxImageWidth: whole().describe('Largest width of an image, in pixels'),
    maxImageHeight: whole().describe('Largest height of an image, in pixels'),
    maxSampleCount: whole().describe('Most samples of an answer'),
    defaultResamplingMethod: z.string().max(60).optional().describe('How pixels are resampled'),
    allowedTemplates: texts().describe('Raster functions that may be used'),
    defaultTemplate: z.string().max(300).optional().describe('Raster function that is used'),
    allowFunction: flag().describe('Callers may send raster functions'),
    allowCopy: flag().describe('Rasters may be copied'),
    allowAnalysis: flag().describe('Raster analysis may use it'),
    colormapToRGB: flag().describe('Turn colour maps into RGB'),
    defaultCompressionQuality: whole().describe('Quality of compressed images'),
    defaultCompressionTolerance: z.number().min(0).optional().describe('Tolerance of LERC'),
    allowedCompressions: texts().describe('JPEG, LERC, LZ77'),
    allowedMensurationCapabilities: texts().describe('Kinds of measuring'),
    returnJPGPNGAsJPG: flag().describe('Answer JPGPNG as JPG'),
    maxMosaicImageCount: whole().describe('Most rasters of one image'),
    maxDownloadImageCount: whole().describe('Most rasters of a download'),
    maxDownloadSizeLimit: whole().describe('Largest download, in MB'),
    downloadDirectory: z.string().max(1_000).optional().describe('Folder of downloads'),
    virtualDownloadDirectory: z.string().max(1_000).optional().describe('Address of downloads'),
    allowedFields: texts().describe('Fields of the mosaic dataset that are shown'),
    allowedMosaicMethods: texts().describe('Ways of ordering rasters'),
    allowedItemMetadata: z.enum(['Basic', 'Full', 'None']).optional().describe('Metadata shown'),
    referenceImage: z.string().max(300).optional().describe('Reference image'),
    sortField: z.string().max(100).optional().describe('Field that orders rasters'),
    sortValue: z.string().max(300).optional().describe('Value that orders rasters'),
    hasLiveData: flag().describe('Data may change'),
    enableCache: flag().describe('Draw from a cache'),
    minScale: z.number().min(0).optional().describe('Smallest scale'),
    maxScale: z.number().min(0).optional().describe('Largest scale'),
    cacheControlMaxAge: whole().describe('Seconds that answers may be kept'),
    DEM: z
      .union([z.boolean(), z.string().max(1_000)])
      .optional()
      .describe('Elevation'),
    capabilities: texts().describe('Such as `Image`, `Metadata`, `Catalog`'),
    extension: z
      .record(
        z.string().regex(/^[A-Za-z]\w{0,60}$/),
        z.record(
          z.string().regex(/^[A-Za-z]\w{0,60}$/),
          z.union([z.boolean(), z.number(), z.string().max(1_000)]),
        ),
      )
      .optional()
      .describe('Extensions and their properties; which there are is not documented'),
    portalFolder: z
      .string()
      .max(120)
      .optional()
      .describe('Folder of the portal; federated servers'),
    sharing: Sharing,
    cache: Cache,
    pooling: Pooling,
  })
  .optional()
  .describe('Properties of the image service, by the names that ArcPy has for them')
  .meta({ id: 'ImageServiceProperties' });

const AnyImage = z.object({ ...ImageSourceInputs, service: ImageServiceProperties });
export type ImageWish = DraftWish & z.output<typeof AnyImage>;

/**
 * @returns warnings
 * @throws RequestError
 */
export function acceptImage(wish: ImageWish, { siteRecord }: AcceptanceFacts): string[] {
  refuseHosted(wish);
  const detail =
    wish.data === undefined && wish.path === undefined
      ? 'send data, or the path of a raster that the worker reaches'
      : wish.data !== undefined && wish.path !== undefined && leadsOut(wish.path)
        ? 'with data it is a path inside of the ZIP'
        : undefined;
  if (detail === undefined) return findStagingDoubts('ImageServer', wish, siteRecord?.version);
  const pointer = wish.path === undefined ? '#/inputs/data' : '#/inputs/path';
  throw new RequestError('validation_error', '1 fault in the inputs.', {
    errors: [{ pointer, code: 'invalid', detail }],
  });
}

export function draftImage(wish: ImageWish): Drafting {
  return async (work) => {
    const { session, target } = work;
    const data = await layRaster(wish, work);
    // ImageSharingDraft has no offlineTarget among its documented properties.
    const settings = toDraftSettings(wish, target, wish.service ?? {}, { hasTarget: false });
    const drafted = await session.draftImage({
      ...{ data, draft: draftFile, settings, analyzeMosaic: wish.analyzeMosaic },
      serviceName: wish.serviceName,
      serverType: wish.serverType === 'federated' ? 'FEDERATED_SERVER' : 'STANDALONE_SERVER',
      legacy: toLegacyDraft(wish),
      onlyNewer: toSettings(wish.service ?? {}).map(({ name }) => name),
    });
    return {
      kind: 'ImageServer',
      findings: drafted.findings,
      missing: drafted.missing,
      settings,
      isLegacy: drafted.isLegacy,
      ...(drafted.isLegacy && { edits: toTextEdits(wish) }),
      findSources: () => [{ kind: 'path', path: data }],
    };
  };
}

async function layRaster(wish: ImageWish, { session, context }: DraftingWork): Promise<string> {
  if (!wish.data) return wish.path ?? '';
  if (wish.path !== undefined) {
    await unpackData(session, wish.data, context);
    return `${inFolder}/${wish.path.replaceAll('\\', '/')}`;
  }
  const { file } = await layIn(session, wish.data, context, ({ name }) =>
    endingOf(name) === '' ? `${name}.tif` : name,
  );
  return file;
}
