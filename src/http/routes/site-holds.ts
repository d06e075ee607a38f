import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { RequestError } from '../../lib/errors.ts';
import { toFaults } from '../execution/execute-request.ts';
import type { HttpDeps } from '../http-deps.ts';
import { operation, SitePath } from '../operation.ts';
import { getSiteName, readSiteInfo, type SiteDeps, SiteInfo } from './sites.ts';

const HoldRequest = z
  .strictObject({
    reason: z.string().min(1).max(500).describe('Shown to everybody whose job waits'),
    until: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('When it ends by itself; without it the site is held until it is released'),
  })
  .meta({ id: 'HoldRequest' });

type Deps = SiteDeps & Pick<HttpDeps, 'submission'>;

/** For whoever runs a site: nothing begins there for a while, such as a week without changes. */
export async function siteHoldRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  app.post('/sites/:site/hold', holdOperation, async (request) => {
    const site = getSiteName(request, deps);
    const { reason, until } = parseHold(request.body);
    await deps.siteRecords.hold(site, {
      reason,
      by: request.caller.id,
      sinceMs: Date.now(),
      ...(until !== undefined && { untilMs: Date.parse(until) }),
    });
    request.log.info({ site, by: request.caller.id, until }, 'Site held');
    return readSiteInfo(site, request.root, deps);
  });

  app.post('/sites/:site/release', releaseOperation, async (request) => {
    const site = getSiteName(request, deps);
    if (await deps.siteRecords.release(site)) {
      request.log.info({ site, by: request.caller.id }, 'Site released');
      await deps.submission.wakeSite(site);
    }
    return readSiteInfo(site, request.root, deps);
  });
}

/** @throws RequestError validation_error, also for an end that has passed */
function parseHold(body: unknown): z.output<typeof HoldRequest> {
  const { data, error } = HoldRequest.safeParse(body ?? {});
  if (!data) {
    throw new RequestError('validation_error', 'The body is not a hold request.', {
      errors: toFaults(error),
    });
  }
  if (data.until !== undefined && Date.parse(data.until) <= Date.now()) {
    throw new RequestError('validation_error', 'The hold would have ended already.', {
      errors: [{ pointer: '#/until', code: 'in_the_past', detail: 'send a time to come' }],
    });
  }
  return data;
}

const answers = { 200: { description: 'The site', schema: SiteInfo } };
const problems = [400, 401, 403, 404, 406, 413, 415, 500, 503];

const holdOperation = operation({
  operationId: 'holdSite',
  tag: 'sites',
  summary: 'Let no job begin on a site',
  description:
    'Jobs that are in the middle come to their end; all others wait and say why. Holding again replaces the hold.',
  scopes: ['sites:admin'],
  path: SitePath,
  body: {
    isRequired: true,
    description: 'Why, and until when',
    content: {
      'application/json': {
        schema: HoldRequest,
        example: { reason: 'No changes before the election', until: '2027-01-05T06:00:00Z' },
      },
    },
  },
  answers,
  problems,
});

const releaseOperation = operation({
  operationId: 'releaseSite',
  tag: 'sites',
  summary: 'Let jobs begin on a site again',
  description: 'The jobs that waited go on at once. A site that was not held stays as it is.',
  scopes: ['sites:admin'],
  path: SitePath,
  answers,
  problems,
});
