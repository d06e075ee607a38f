import type { FastifyInstance } from 'fastify';
import type { HttpDeps } from '../http-deps.ts';

/** For a Prometheus: no key, and no part of the API that the OpenAPI document describes. */
export async function metricsRoutes(
  app: FastifyInstance,
  { metrics }: Pick<HttpDeps, 'metrics'>,
): Promise<void> {
  app.get(
    '/metrics',
    { schema: { hide: true }, config: { produces: ['*/*'] } },
    async (_request, reply) =>
      reply
        .header('content-type', metrics.contentType)
        .header('cache-control', 'no-store')
        .send(await metrics.text()),
  );
}
