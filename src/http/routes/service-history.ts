import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { LedgerResult, type LedgerVersion } from '../../jobs/publish-ledger.ts';
import { RequestError } from '../../lib/errors.ts';
import { toText } from '../../sites/service-target.ts';
import { seesJobsOf, siteReadingScopes } from '../caller.ts';
import type { HttpDeps } from '../http-deps.ts';
import { jobUrl, jsonLink, Link } from '../links.ts';
import { operation, SitePath } from '../operation.ts';
import { capped, Limit } from '../query-values.ts';
import { toTime } from '../status-info.ts';
import { getSiteName } from './sites.ts';

const Publish = z
  .object({
    version: z.int().describe('Number of the publish, counted per service'),
    result: LedgerResult.describe(
      '`failed`: failed or dismissed, and put back as far as it could be; `imported`: told to Pressroom, not published by it',
    ),
    time: z.iso.datetime().describe('When it came to this result'),
    isCurrent: z.boolean().describe('Pressroom last made this one live; the site is not asked'),
    isKept: z.boolean().describe('Its definition is kept: it can be rolled back to'),
    sha256: z.string().describe('SHA-256 of the definition, in hex'),
    fileName: z.string().describe('Name of the definition as it was sent'),
    sizeBytes: z.int(),
    verification: z.string().optional().describe('How far the service was looked at'),
    rollbackOf: z.int().optional().describe('The version that was published again'),
    owner: z.string().optional().describe('Who published; only of jobs that the key may see'),
    jobID: z.string().optional().describe('The job; only of those that the key may see'),
    links: z.array(Link),
  })
  .meta({ id: 'Publish' });

const ServiceHistory = z
  .object({
    site: z.string(),
    service: z.string().describe('`Folder/Name.Type`, and `Name.Type` in the root'),
    current: z.int().optional().describe('The version that Pressroom last made live'),
    publishes: z.array(Publish).describe('Newest first'),
    links: z.array(Link),
  })
  .meta({ id: 'ServiceHistory' });

const RootServicePath = SitePath.extend({
  name: z.string().max(120).describe('Name of the service'),
  type: z.string().max(60).describe('Type of the service, such as `MapServer`'),
});
const ServicePath = RootServicePath.extend({
  folder: z.string().max(120).describe('Folder of the service'),
});

const HistoryQuery = z.strictObject({
  limit: Limit,
  cursor: z.string().max(100).optional().describe('Where to go on: take it from the link `next`'),
});

type Deps = Pick<HttpDeps, 'siteConfigs' | 'ledger'>;

export async function serviceHistoryRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  app.get('/sites/:site/services/:folder/:name/:type/history', operationOf('folder'), (request) =>
    readHistory(request, deps),
  );
  app.get('/sites/:site/services/:name/:type/history', operationOf('root'), (request) =>
    readHistory(request, deps),
  );
}

async function readHistory(request: FastifyRequest, { ledger, ...deps }: Deps) {
  const site = getSiteName(request, deps);
  const {
    folder = '',
    name,
    type,
  } = request.params as z.output<typeof RootServicePath> & {
    folder?: string;
  };
  const query = request.query as z.output<typeof HistoryQuery>;
  const service = toText({ folder, serviceName: name, type });
  const { current, versions, nextBefore } = await ledger.readPage(site, service, {
    before: query.cursor === undefined ? undefined : openCursor(query.cursor),
    limit: capped(query.limit),
  });
  return {
    site,
    service,
    ...(current !== undefined && { current }),
    publishes: versions.map((version) => toPublish(version, current, request)),
    links: [
      jsonLink('self', request.root + request.url),
      ...(nextBefore === undefined ? [] : [toNextLink(nextBefore, request)]),
    ],
  };
}

function toPublish(
  {
    live: _,
    inputs: __,
    uploadId,
    owner,
    jobId,
    publishedMs,
    ...entry
  }: LedgerVersion & {
    live?: unknown;
  },
  current: number | undefined,
  { caller, root }: FastifyRequest,
): z.output<typeof Publish> {
  const isSeen = seesJobsOf(caller, owner);
  return {
    ...entry,
    time: toTime(publishedMs),
    isCurrent: entry.version === current,
    isKept: uploadId !== undefined && entry.result !== 'failed',
    ...(isSeen && { owner, jobID: jobId }),
    links: isSeen ? [jsonLink('related', jobUrl(root, jobId), 'The job')] : [],
  };
}

function toNextLink(before: number, request: FastifyRequest): Link {
  const [path = '', search = ''] = request.url.split('?');
  const query = new URLSearchParams(search);
  query.set('cursor', Buffer.from(`before ${before}`).toString('base64url'));
  return jsonLink('next', `${request.root}${path}?${query}`);
}

/** @throws RequestError invalid_cursor */
function openCursor(cursor: string): number {
  const before = /^before (\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
  if (before !== undefined) return Number(before);
  throw new RequestError('invalid_cursor', 'The cursor is none of this list.', {
    errors: [{ parameter: 'cursor', detail: 'take it from the link `next`' }],
  });
}

function operationOf(place: 'folder' | 'root') {
  const isRoot = place === 'root';
  return operation({
    operationId: isRoot ? 'getRootServiceHistory' : 'getServiceHistory',
    tag: 'sites',
    summary: `Read what was published as a service of ${isRoot ? 'the root folder' : 'a folder'}`,
    description:
      'Every publish of the service by Pressroom, newest first, and which definitions are kept for rolling back. The site is not asked; a service that Pressroom never published has an empty history.',
    scopes: siteReadingScopes,
    path: isRoot ? RootServicePath : ServicePath,
    query: HistoryQuery,
    answers: { 200: { description: 'A page of the history', schema: ServiceHistory } },
    problems: [400, 401, 403, 404, 406, 500, 503],
  });
}
