import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { jsonLink, Link, ogcRelations } from '../links.ts';
import { operation } from '../operation.ts';

const LandingPage = z
  .object({ title: z.string(), description: z.string(), links: z.array(Link) })
  .meta({ id: 'LandingPage' });

const ConformanceDeclaration = z
  .object({ conformsTo: z.array(z.string()).describe('Conformance classes that are met') })
  .meta({ id: 'ConformanceDeclaration' });

const conformanceClasses = [
  'core',
  'ogc-process-description',
  'json',
  'job-list',
  'callback',
  'dismiss',
].map((name) => `http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/${name}`);

/** Where a client begins: both `/v1` and `/v1/` answer, as clients append to either. */
export async function landingRoutes(app: FastifyInstance): Promise<void> {
  const landing = operation({
    operationId: 'getLandingPage',
    tag: 'capabilities',
    summary: 'Landing page',
    description: 'Links to everything else.',
    scopes: [],
    answers: { 200: { description: 'The landing page', schema: LandingPage } },
    problems: [400, 401, 406, 500],
  });
  app.get('/', { ...landing, prefixTrailingSlash: 'both' }, async ({ root }) => ({
    title: 'Pressroom',
    description: 'Publishes services and data stores to ArcGIS Server sites, as jobs.',
    links: [
      jsonLink('self', `${root}/v1`),
      {
        rel: 'service-desc',
        href: `${root}/openapi.json`,
        type: 'application/vnd.oai.openapi+json;version=3.1',
      },
      { rel: 'service-doc', href: `${root}/docs`, type: 'text/html' },
      jsonLink(ogcRelations.conformance, `${root}/v1/conformance`),
      jsonLink(ogcRelations.processes, `${root}/v1/processes`),
      jsonLink(ogcRelations.jobList, `${root}/v1/jobs`),
      jsonLink('related', `${root}/v1/sites`, 'Configured sites'),
    ],
  }));

  const conformance = operation({
    operationId: 'getConformance',
    tag: 'capabilities',
    summary: 'Conformance classes',
    description: 'Classes of OGC API - Processes, Part 1: Core, version 1.0, that work today.',
    scopes: [],
    answers: { 200: { description: 'The classes', schema: ConformanceDeclaration } },
    problems: [400, 401, 406, 500],
  });
  app.get('/conformance', conformance, async () => ({ conformsTo: conformanceClasses }));
}
