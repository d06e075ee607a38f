import { z } from 'zod';
import { RequestError } from '../lib/errors.ts';
import { type DraftWish, refuseHosted, toLegacyDraft } from './arcpy-inputs.ts';
import { layIn } from './arcpy-sources.ts';
import { type Drafting, type DraftingWork, draftFile } from './definition-making.ts';
import { toTextEdits } from './draft-settings.ts';
import { FileLink } from './file-link.ts';
import type { AcceptanceFacts } from './job-type.ts';
import { findStagingDoubts } from './staging-version.ts';

export const LocatorInputs = {
  locator: FileLink.optional().describe('The locator (.loc)'),
  locatorData: FileLink.optional().describe('Its data (.loz): the two belong together'),
  path: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe('Instead of both: the .loc as the worker sees it, with its .loz beside'),
} as const;

const whole = () => z.int().min(1).max(1_000_000).optional();

/** Parameters of CreateGeocodeSDDraft. */
export const GeocodeServiceProperties = z
  .strictObject({
    maxResultSize: whole().describe('Most candidates of an answer'),
    maxBatchSize: whole().describe('Most addresses of a batch'),
    suggestedBatchSize: whole().describe('Addresses of a good batch'),
    supportedOperations: z
      .array(z.enum(['GEOCODE', 'REVERSE_GEOCODE', 'SUGGEST']))
      .min(1)
      .optional()
      .describe('What callers may ask'),
  })
  .optional()
  .describe('Properties of the geocode service')
  .meta({ id: 'GeocodeServiceProperties' });

const AnyLocator = z.object({ ...LocatorInputs, service: GeocodeServiceProperties });
export type GeocodeWish = DraftWish & z.output<typeof AnyLocator>;

/**
 * @returns warnings
 * @throws RequestError
 */
export function acceptLocator(wish: GeocodeWish, { siteRecord }: AcceptanceFacts): string[] {
  refuseHosted(wish);
  const files = [wish.locator, wish.locatorData].filter((file) => file !== undefined).length;
  const isWhole = wish.path === undefined ? files === 2 : files === 0;
  if (isWhole) return findStagingDoubts('GeocodeServer', wish, siteRecord?.version);
  const detail = 'send locator (.loc) and locatorData (.loz) together, or a path instead of both';
  throw new RequestError('validation_error', '1 fault in the inputs.', {
    errors: [{ pointer: '#/inputs/locator', code: 'invalid', detail }],
  });
}

/** There is one function for it in every version; it has no drafts as objects. */
export function draftGeocode(wish: GeocodeWish): Drafting {
  return async (work) => {
    const locator = await layLocator(wish, work);
    const drafted = await work.session.draftGeocode({
      ...{ locator, draft: draftFile, serviceName: wish.serviceName },
      legacy: { ...toLegacyDraft(wish), ...wish.service, overwrite: wish.replace },
    });
    return {
      kind: 'GeocodeServer',
      findings: drafted.findings,
      missing: drafted.missing,
      settings: [],
      isLegacy: true,
      edits: toTextEdits({ ...wish, replace: false }),
    };
  };
}

async function layLocator(
  { locator, locatorData, path, serviceName }: GeocodeWish,
  { session, context }: DraftingWork,
): Promise<string> {
  if (!locator || !locatorData) return path ?? '';
  const { file } = await layIn(session, locator, context, () => `${serviceName}.loc`);
  await layIn(session, locatorData, context, () => `${serviceName}.loz`);
  return file;
}
