import { mkdir } from 'node:fs/promises';
import { z } from 'zod';
import { RequestError } from '../lib/errors.ts';
import { type DraftWish, refuseHosted, toLegacyDraft } from './arcpy-inputs.ts';
import { endingOf, layIn, leadsOut, unpackData } from './arcpy-sources.ts';
import { type Drafting, type DraftingWork, draftFile, inFolder } from './definition-making.ts';
import { toDraftSettings, toTextEdits } from './draft-settings.ts';
import { FileLink } from './file-link.ts';
import type { AcceptanceFacts } from './job-type.ts';
import { Sharing } from './map-inputs.ts';
import { findStagingDoubts } from './staging-version.ts';
import { ToolParameters, toToolValues } from './tool-values.ts';

export const toolName = /^[A-Za-z]\w{0,120}$/;

export const ToolSourceInputs = {
  toolbox: FileLink.optional().describe('The toolbox (.atbx, .tbx, .pyt)'),
  toolboxPath: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe('Toolbox in the ZIP `data`, or as the worker sees it'),
  alias: z
    .string()
    .regex(/^[A-Za-z]\w{0,60}$/)
    .optional()
    .describe('Alias of the toolbox, where it has none of its own'),
  tools: z
    .array(
      z.strictObject({
        name: z.string().regex(toolName).describe('Name of the tool in its toolbox'),
        parameters: ToolParameters,
      }),
    )
    .min(1)
    .max(50)
    .optional()
    .describe('The tools to publish, each with sample inputs that it is run with once'),
  result: FileLink.optional().describe('Instead: a stored result (.rlt, .rltx)'),
  data: FileLink.optional().describe('A ZIP of sample data, scripts or the toolbox itself'),
} as const;

const flag = () => z.boolean().optional();
const seconds = () => z.int().min(0).max(31_536_000).optional();

/** Properties of GeoprocessingSharingDraft, by their names there. */
export const GeoprocessingServiceProperties = z
  .strictObject({
    executionType: z.enum(['Asynchronous', 'Synchronous']).optional().describe('How it runs'),
    resultMapService: flag().describe('Draw results as a map'),
    enableOutputFeatureService: flag().describe('Give results as features'),
    enableOutputImageService: flag().describe('Give results as images'),
    convertFeatureLayerURL: flag().describe('Take addresses of feature layers as inputs'),
    removeDefaultValues: flag().describe('Leave defaults of the sample run out'),
    messageLevel: z
      .enum(['None', 'Error', 'Warning', 'Info'])
      .optional()
      .describe('Messages shown'),
    maximumRecords: z.int().min(1).optional().describe('Most records of a result'),
    minInstances: z.int().min(0).max(1_000).optional().describe('Least instances'),
    maxInstances: z.int().min(1).max(1_000).optional().describe('Most instances'),
    maxUsageTime: seconds().describe('Longest run, in seconds'),
    maxWaitTime: seconds().describe('Longest wait for an instance, in seconds'),
    maxIdleTime: seconds().describe('Longest idle life of an instance, in seconds'),
    capabilities: z
      .enum(['Uploads', 'Validate', 'None'])
      .optional()
      .describe('What callers may do'),
    constantValues: z
      .array(z.string().max(300))
      .max(200)
      .optional()
      .describe('Parameters that stay as in the sample run, as `Tool.parameter`'),
    choiceLists: z
      .record(z.string().max(300), z.array(z.string().max(1_000)).max(1_000))
      .optional()
      .describe('Values to choose from, by `Tool.parameter`'),
    GPStringValues: z
      .string()
      .max(20_000)
      .optional()
      .describe('As ArcPy 3.4 and later have it; its form is not documented'),
    sharing: Sharing,
    portalFolder: z
      .string()
      .max(120)
      .optional()
      .describe('Folder of the portal; federated servers'),
  })
  .optional()
  .describe('Properties of the geoprocessing service, by the names that ArcPy has for them')
  .meta({ id: 'GeoprocessingServiceProperties' });

const AnyTool = z.object({ ...ToolSourceInputs, service: GeoprocessingServiceProperties });
export type GeoprocessingWish = DraftWish & z.output<typeof AnyTool>;

const toolboxEndings = ['.atbx', '.tbx', '.pyt'];

/**
 * @returns warnings
 * @throws RequestError
 */
export function acceptTools(
  wish: GeoprocessingWish,
  { uploads, siteRecord }: AcceptanceFacts,
): string[] {
  refuseHosted(wish);
  const [input, detail] = findFault(wish, uploads) ?? [];
  if (input === undefined || detail === undefined)
    return findStagingDoubts('GPServer', wish, siteRecord?.version);
  throw new RequestError('validation_error', '1 fault in the inputs.', {
    errors: [{ pointer: `#/inputs/${input}`, code: 'invalid', detail }],
  });
}

function findFault(
  { toolbox, toolboxPath, tools, result, data }: GeoprocessingWish,
  uploads: AcceptanceFacts['uploads'],
): [input: string, detail: string] | undefined {
  const sources = [toolbox, toolboxPath, result].filter((each) => each !== undefined);
  if (sources.length !== 1) return ['toolbox', 'send one of toolbox, toolboxPath and result'];
  if (result && tools) return ['tools', 'a stored result has its tool in it'];
  if (!result && !tools) return ['tools', 'say which tools, each with its sample inputs'];
  if (data && toolboxPath !== undefined && leadsOut(toolboxPath))
    return ['toolboxPath', 'with data it is a path inside of the ZIP'];
  if (uploads.toolbox && !toolboxEndings.includes(endingOf(uploads.toolbox.name)))
    return ['toolbox', `the name of a toolbox ends with ${toolboxEndings.join(', ')}`];
  if (uploads.result && !['.rlt', '.rltx'].includes(endingOf(uploads.result.name)))
    return ['result', 'the name of a stored result ends with .rlt or .rltx'];
  return undefined;
}

export function draftGeoprocessing(wish: GeoprocessingWish): Drafting {
  return async (work) => {
    const { session, target } = work;
    const sources = await layTools(wish, work);
    const service = wish.service ?? {};
    const settings = toDraftSettings(wish, target, service);
    const drafted = await session.draftGeoprocessing({
      ...sources,
      ...{ draft: draftFile, serviceName: wish.serviceName, settings },
      serverType: wish.serverType === 'federated' ? 'FEDERATED_SERVER' : 'STANDALONE_SERVER',
      extensions: wish.runtime.extensions,
      ...(wish.alias !== undefined && { alias: wish.alias }),
      tools: (wish.tools ?? []).map(({ name, parameters }) => ({
        name,
        inputs: toToolValues(parameters),
      })),
      legacy: {
        ...toLegacyDraft(wish),
        ...service,
        ...(service.capabilities === 'None' && { capabilities: undefined }),
      },
      onlyNewer: Object.keys(service).filter((name) => onlyNewer.has(name)),
    });
    return {
      kind: 'GPServer',
      findings: drafted.findings,
      missing: drafted.missing,
      settings,
      isLegacy: drafted.isLegacy,
      ...(drafted.isLegacy && { edits: toTextEdits(wish) }),
    };
  };
}

/** Properties for which the older function has no parameter. */
const onlyNewer = new Set([
  ...['enableOutputFeatureService', 'enableOutputImageService', 'convertFeatureLayerURL'],
  ...['removeDefaultValues', 'portalFolder', 'sharing', 'GPStringValues'],
]);

async function layTools(
  wish: GeoprocessingWish,
  { session, context }: DraftingWork,
): Promise<{ toolbox?: string; result?: string }> {
  await mkdir(session.pathOf('out'), { mode: 0o700 });
  await unpackData(session, wish.data, context);
  if (wish.result) return { result: (await layIn(session, wish.result, context)).file };
  if (wish.toolbox) return { toolbox: (await layIn(session, wish.toolbox, context)).file };
  const path = (wish.toolboxPath ?? '').replaceAll('\\', '/');
  return { toolbox: wish.data ? `${inFolder}/${path}` : (wish.toolboxPath ?? '') };
}
