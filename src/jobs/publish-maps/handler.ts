import { z } from 'zod';
import { DocumentError } from '../../lib/errors.ts';
import { digestOf } from '../arcpy-publishing.ts';
import { siteNamesOf } from '../data-store-selection.ts';
import { borrowUpload, getUpload } from '../document-inputs.ts';
import type { JobContext } from '../job-type.ts';
import { publishMapJob } from '../publish-map/job-type.ts';
import { defineStep } from '../step.ts';
import { forEachMap, type PublishMapsParams, type PublishMapsResult } from './schema.ts';

const FoundMap = z.object({ path: z.string(), serviceName: z.string() });
type FoundMap = z.output<typeof FoundMap>;

const mostMaps = 500;

/** One child per map and site, each a `publish-map` of its own. */
export async function publishMaps(
  params: PublishMapsParams,
  context: JobContext,
): Promise<PublishMapsResult> {
  const maps = await context.step(findMaps, { params, context });
  const common = Object.entries(params).filter(
    ([name, value]) => forEachMap.includes(name) && name !== 'sites' && value !== undefined,
  );
  const source = await getUpload(params.source, context);
  const wishes = maps.flatMap(({ path, serviceName }) =>
    siteNamesOf(params).map((site) => {
      const inputs = {
        ...Object.fromEntries(common),
        ...{ site, serviceName, data: params.source, documentPath: path },
      };
      return {
        key: `${path} on ${site}`,
        jobType: publishMapJob,
        service: serviceName,
        inputs,
        digest: digestOf({ ...inputs, data: source.sha256 }),
      };
    }),
  );
  const { count, kept } = await context.children(wishes, { onFailure: params.onFailure });
  return { childCount: count, keptCount: kept, warnings: context.warnings() };
}

const findMaps = defineStep<{ params: PublishMapsParams; context: JobContext }, FoundMap[]>({
  name: 'find-maps',
  title: 'Looking for maps',
  share: [0, 5],
  result: z.array(FoundMap),
  async act({ params, context }, { signal }) {
    const upload = await getUpload(params.source, context);
    const entries = await borrowUpload(upload, context, (file) =>
      context.documents.listZip(file, { signal }),
    );
    const paths = entries
      .map(({ name }) => name)
      .filter(isMap)
      .sort();
    if (paths.length === 0)
      throw new DocumentError('nothing_matched', 'The ZIP has no .aprx, .mapx or .mxd in it.');
    if (paths.length > mostMaps)
      throw new DocumentError('archive_rejected', `The ZIP has more than ${mostMaps} maps in it.`);
    const maps = paths.map((path) => ({ path, serviceName: toServiceName(path) }));
    refuseTwins(maps);
    return maps;
  },
});

const mapEndings = /\.(?:aprx|mapx|mxd)$/i;

/** Names that begin so are what Windows and macOS leave in a ZIP. */
function isMap(name: string): boolean {
  return mapEndings.test(name) && !/(?:^|\/)(?:[.~]|__MACOSX)/.test(name);
}

/** The name of the file, in the letters that a service may have. */
function toServiceName(path: string): string {
  const base = (path.split('/').at(-1) ?? '').replace(/\.[a-z]+$/i, '');
  return base.replaceAll(/[^\p{L}\p{N}_]+/gu, '_').slice(0, 120);
}

/** Two files of one name would be one service: said before any work is done. */
function refuseTwins(maps: readonly FoundMap[]): void {
  const byName = new Map<string, FoundMap[]>();
  for (const map of maps) {
    const name = map.serviceName.toLowerCase();
    byName.set(name, [...(byName.get(name) ?? []), map]);
  }
  for (const twins of byName.values()) {
    if (twins.length < 2) continue;
    const paths = twins.map(({ path }) => path).join(', ');
    throw new DocumentError(
      'edit_refused',
      `These maps would become one service, ${twins[0]?.serviceName}: ${paths}. Rename one. Nothing was done.`,
    );
  }
}
