import { fastify } from 'fastify';

export type StatusServer = { url: string; close: () => Promise<void> };

/** Health of a process that serves nothing else over HTTP. */
export async function openStatusServer(
  address: { statusHost: string; statusPort: number },
  { isReady }: { isReady: () => Promise<boolean> },
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
  const url = await app.listen({ host: address.statusHost, port: address.statusPort });
  return { url, close: () => app.close() };
}
