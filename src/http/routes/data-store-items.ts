import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { DataStoreItemView, toView } from '../../jobs/data-store-item.ts';
import { DataStoreValidation } from '../../jobs/data-store-validations.ts';
import { RequestError } from '../../lib/errors.ts';
import { countReferences, findWholeItem, findWholeItems } from '../../sites/data-store-reader.ts';
import { findServicesOn, readSiteData, type SiteData } from '../../sites/data-store-uses.ts';
import type { Site } from '../../sites/sites.ts';
import { siteReadingScopes } from '../caller.ts';
import type { HttpDeps } from '../http-deps.ts';
import { jsonLink, Link } from '../links.ts';
import { operation, SitePath } from '../operation.ts';
import { getSiteName, inTime } from './sites.ts';

const DataStoreItem = DataStoreItemView.extend({
  totalRefCount: z.number().optional().describe('Uses of the item, as the site counts them'),
  services: z
    .array(z.string())
    .optional()
    .describe('Services that read it, as their manifests tell; absent: they could not be read'),
  lastValidation: DataStoreValidation.optional().describe(
    'What came of it when Pressroom last had it validated',
  ),
  links: z.array(Link),
}).meta({ id: 'DataStoreItemDetails' });

const DataStoreItemList = z
  .object({ dataStoreItems: z.array(DataStoreItem), links: z.array(Link) })
  .meta({ id: 'DataStoreItemList' });

const ItemQuery = z.strictObject({
  type: z
    .string()
    .regex(/^[A-Za-z]+(?:,[A-Za-z]+)*$/)
    .max(300)
    .optional()
    .describe('Types, parted by commas, such as `folder,egdb`'),
});

const ItemPath = SitePath.extend({
  parent: z.string().describe('First part of the path of the item, such as `fileShares`'),
  name: z.string().describe('Last part of the path of the item'),
});

/** Those that a site is asked for when nobody says which. */
const usualTypes = [
  'folder',
  'egdb',
  'bigDataFileShare',
  'cloudStore',
  'rasterStore',
  'nosql',
  'objectStore',
];

type Deps = Pick<HttpDeps, 'sites' | 'siteConfigs' | 'validations'>;

export async function dataStoreItemRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  app.get('/sites/:site/data-store-items', listOperation, async (request) => {
    const site = deps.sites.get(getSiteName(request, deps));
    const { type } = request.query as z.output<typeof ItemQuery>;
    const types = type?.split(',') ?? usualTypes;
    const listed = await inTime(site.name, (signal) => findWholeItems(site, { types }, { signal }));
    const items = listed.filter((item) => types.includes(item.type)); // a site may know the filter otherwise
    const uses = items.length > 0 ? await findUses(site) : undefined;
    const validations = await deps.validations.findAll(site.name);
    return {
      dataStoreItems: items.map((item) => ({
        ...toView(item),
        ...toCount(item.totalRefCount),
        ...(uses && { services: findServicesOn(item, uses) }),
        ...toValidation(validations.get(item.path.toLowerCase())),
        links: [
          jsonLink(
            'self',
            `${request.root}/v1/sites/${site.name}/data-store-items${encodeURI(item.path)}`,
          ),
        ],
      })),
      links: [jsonLink('self', request.root + request.url)],
    };
  });

  app.get('/sites/:site/data-store-items/:parent/:name', readOperation, async (request) => {
    const site = deps.sites.get(getSiteName(request, deps));
    const { parent, name } = request.params as z.output<typeof ItemPath>;
    const path = `/${parent}/${name}`;
    const item = await inTime(site.name, (signal) => findWholeItem(site, path, { signal }));
    if (!item) throw new RequestError('not_found', 'The site has no such data store item.');
    const [uses, count, found] = await Promise.all([
      findUses(site),
      inTime(site.name, (signal) => countReferences(site, path, { signal })),
      deps.validations.find(site.name, path),
    ]);
    return {
      ...toView(item),
      ...toCount(count),
      ...(uses && { services: findServicesOn(item, uses) }),
      ...toValidation(found),
      links: [jsonLink('self', request.root + request.url)],
    };
  });
}

/** A site with very many services answers without them rather than too late. */
async function findUses(site: Site): Promise<SiteData | undefined> {
  return inTime(site.name, (signal) => readSiteData(site, { signal })).catch((error: unknown) => {
    if (error instanceof RequestError && error.code === 'site_timeout') return undefined;
    throw error;
  });
}

function toCount(count: unknown): { totalRefCount?: number } {
  return typeof count === 'number' ? { totalRefCount: count } : {};
}

function toValidation(found: DataStoreValidation | undefined) {
  return found ? { lastValidation: found } : {};
}

const problems = [400, 401, 403, 404, 406, 500, 502, 503, 504];

const listOperation = operation({
  operationId: 'listDataStoreItems',
  tag: 'sites',
  summary: 'List the registered data of a site',
  description:
    'The site is asked at this moment, with the manifests of its services. Passwords and keys are masked.',
  scopes: siteReadingScopes,
  path: SitePath,
  query: ItemQuery,
  answers: { 200: { description: 'The items', schema: DataStoreItemList } },
  problems,
});

const readOperation = operation({
  operationId: 'getDataStoreItem',
  tag: 'sites',
  summary: 'Read one registered data store item of a site',
  description:
    'The site is asked at this moment, with the manifests of its services. Passwords and keys are masked.',
  scopes: siteReadingScopes,
  path: ItemPath,
  answers: { 200: { description: 'The item', schema: DataStoreItem } },
  problems,
});
