import { fastify } from 'fastify';
import type { Metrics } from './metrics.ts';

export type StatusServer = { url: string; close: () => Promise<void> };

/** Health and metrics of a process that serves nothing else over HTTP. */
export async function openStatusServer(
  address: { statusHost: string; statusPort: number },
  { isReady, metrics }: { isReady: () => Promise<boolean>; metrics: Metrics },
): Promise<StatusServer> {
  const app = fastify({ logger: false });
  app.get('/health/live', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'live' }),
  );
  app.get('/health/ready', async (_request, reply) => {
    const ready = await isReady();
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status: ready ? 'ready' : 'not ready' });
  });
  app.get('/metrics', async (_request, reply) =>
    reply
      .header('content-type', metrics.contentType)
      .header('cache-control', 'no-store')
      .send(await metrics.text()),
  );
  const url = await app.listen({ host: address.statusHost, port: address.statusPort });
  return { url, close: () => app.close() };
}
