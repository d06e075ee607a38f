import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { JobType } from '../../jobs/job-type.ts';
import { SiteRecord } from '../../jobs/site-records.ts';
import { RequestError } from '../../lib/errors.ts';
import { restUrl } from '../../sites/service-target.ts';
import { listServices } from '../../sites/services.ts';
import { isNotFound } from '../../sites/site-errors.ts';
import { type Caller, reachesSite, siteReadingScopes } from '../caller.ts';
import type { HttpDeps } from '../http-deps.ts';
import { jsonLink, Link } from '../links.ts';
import { operation, SitePath } from '../operation.ts';
import { toTime } from '../status-info.ts';

/** Patience with a site that is asked while the caller waits. */
const siteDeadlineMs = 10_000;

export const SiteInfo = SiteRecord.partial()
  .omit({ dataStoreItems: true })
  .extend({
    name: z.string().describe('Name in the configuration'),
    url: z.string().describe("The site's public root"),
    ageSeconds: z
      .number()
      .optional()
      .describe('How long ago the site was looked at; absent: not yet'),
    closed: z
      .object({
        reason: z.string(),
        detail: z.string(),
        since: z.iso.datetime(),
        until: z.iso.datetime().describe('When it is tried again'),
      })
      .optional()
      .describe('There while jobs for the site rest'),
    hold: z
      .object({
        reason: z.string(),
        by: z.string().describe('The API key that holds it'),
        since: z.iso.datetime(),
        until: z.iso.datetime().optional(),
      })
      .optional()
      .describe('There while people hold the site: no job begins'),
    jobTypes: z.array(z.string()).describe('Processes that our account on the site suffices for'),
    links: z.array(Link),
  })
  .meta({ id: 'Site' });
export type SiteInfo = z.output<typeof SiteInfo>;

const SiteList = z
  .object({ sites: z.array(SiteInfo), links: z.array(Link) })
  .meta({ id: 'SiteList' });

const ServiceList = z
  .object({
    services: z.array(
      z.object({
        folder: z.string(),
        serviceName: z.string(),
        type: z.string(),
        restUrl: z.string(),
      }),
    ),
    links: z.array(Link),
  })
  .meta({ id: 'ServiceList' });

const ServiceQuery = z.strictObject({
  folder: z.string().max(120).default('').describe('Folder; empty: the root'),
});

export type SiteDeps = Pick<HttpDeps, 'siteConfigs' | 'siteRecords' | 'sites' | 'jobTypes'>;
type Deps = SiteDeps;

export async function siteRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  app.get('/sites', listOperation, async ({ caller, root }) => ({
    sites: await Promise.all(
      visibleSites(caller, deps).map((name) => readSiteInfo(name, root, deps)),
    ),
    links: [jsonLink('self', `${root}/v1/sites`)],
  }));

  app.get('/sites/:site', readOperation, async (request) =>
    readSiteInfo(getSiteName(request, deps), request.root, deps),
  );

  app.get('/sites/:site/services', servicesOperation, async (request) => {
    const site = deps.sites.get(getSiteName(request, deps));
    const { folder } = request.query as z.output<typeof ServiceQuery>;
    const services = await inTime(site.name, (signal) =>
      listServices(site, folder, { signal }),
    ).catch((error: unknown) => {
      if (isNotFound(error))
        throw new RequestError('not_found', 'The site has no such folder.', { cause: error });
      throw error;
    });
    return {
      services: services.map((service) => ({ ...service, restUrl: restUrl(site, service) })),
      links: [jsonLink('self', request.root + request.url)],
    };
  });
}

function visibleSites(caller: Caller, { siteConfigs }: Pick<Deps, 'siteConfigs'>): string[] {
  return Object.keys(siteConfigs()).filter((name) => reachesSite(caller, name));
}

export function getSiteName(request: FastifyRequest, deps: Pick<Deps, 'siteConfigs'>): string {
  const { site } = request.params as z.output<typeof SitePath>;
  if (visibleSites(request.caller, deps).includes(site)) return site;
  throw new RequestError('not_found', 'There is no site of this name.');
}

export async function readSiteInfo(name: string, root: string, deps: Deps): Promise<SiteInfo> {
  const [record, closed, hold] = await Promise.all([
    deps.siteRecords.find(name),
    deps.siteRecords.findClosed(name),
    deps.siteRecords.findHold(name),
  ]);
  const { dataStoreItems: _left, ...seen } = record ?? {};
  const self = `${root}/v1/sites/${name}`;
  return {
    ...seen,
    name,
    url: deps.siteConfigs()[name]?.url ?? '',
    ...(record && {
      ageSeconds: Math.max(0, Math.round((Date.now() - Date.parse(record.readAt)) / 1_000)),
    }),
    ...(closed && {
      closed: {
        reason: closed.reason,
        detail: closed.detail,
        since: toTime(closed.sinceMs),
        until: toTime(closed.untilMs),
      },
    }),
    ...(hold && {
      hold: {
        reason: hold.reason,
        by: hold.by,
        since: toTime(hold.sinceMs),
        ...(hold.untilMs !== undefined && { until: toTime(hold.untilMs) }),
      },
    }),
    jobTypes: deps.jobTypes
      .filter((jobType) => suffices(record?.privilege, jobType))
      .map(({ name: id }) => id),
    links: [
      jsonLink('self', self),
      jsonLink('related', `${self}/services`, 'Services of the site'),
      jsonLink('related', `${self}/data-store-items`, 'Registered data'),
    ],
  };
}

/** Publishing takes the privilege PUBLISH or ADMINISTER; one that we have not seen may do. */
function suffices(privilege: string | undefined, { queue }: JobType): boolean {
  if (queue === 'here') return false;
  return privilege === undefined || /^(publish|administer)$/i.test(privilege);
}

/** @throws RequestError site_timeout when the site takes longer than a caller should wait */
export async function inTime<T>(
  site: string,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(siteDeadlineMs);
  try {
    return await ask(deadline);
  } catch (error) {
    if (!deadline.aborted) throw error;
    throw new RequestError(
      'site_timeout',
      `The site ${site} did not answer within ${siteDeadlineMs / 1_000} s.`,
      {
        cause: error,
      },
    );
  }
}

const listOperation = operation({
  operationId: 'listSites',
  tag: 'sites',
  summary: 'List the sites',
  description: 'The configured sites that the key reaches, as they were last seen.',
  scopes: siteReadingScopes,
  answers: { 200: { description: 'The sites', schema: SiteList } },
  problems: [400, 401, 403, 406, 500, 503],
});

const readOperation = operation({
  operationId: 'getSite',
  tag: 'sites',
  summary: 'Read how a site does',
  description: 'As the workers saw it last; the site itself is not asked.',
  scopes: siteReadingScopes,
  path: SitePath,
  answers: { 200: { description: 'The site', schema: SiteInfo } },
  problems: [400, 401, 403, 404, 406, 500, 503],
});

const siteProblems = [400, 401, 403, 404, 406, 500, 502, 503, 504];

const servicesOperation = operation({
  operationId: 'listServices',
  tag: 'sites',
  summary: 'List the services of a site',
  description: 'The site is asked at this moment. One folder at a time.',
  scopes: siteReadingScopes,
  path: SitePath,
  query: ServiceQuery,
  answers: { 200: { description: 'The services of the folder', schema: ServiceList } },
  problems: siteProblems,
});
