import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Queue } from 'bullmq';
import { fastify } from 'fastify';
import { Redis } from 'ioredis';
import { z } from 'zod';

/** What accepting is compared with: a bare Fastify route, one Zod schema, one `queue.add`. */
const [kind = 'accept', port = '0', redisUrl = '', file = ''] = process.argv.slice(2);

if (kind === 'accept') {
  const Body = z.strictObject({
    inputs: z.strictObject({
      site: z.string(),
      serviceName: z.string(),
      serviceDefinition: z.strictObject({ href: z.string() }),
    }),
  });
  const queue = new Queue('bare', { connection: new Redis(redisUrl) });
  const app = fastify();
  app.post('/execution', async (request, reply) => {
    const { inputs } = Body.parse(request.body);
    const job = await queue.add('publish', inputs);
    return reply.code(201).send({ jobID: job.id, status: 'accepted' });
  });
  await app.listen({ host: '127.0.0.1', port: Number(port) });
} else {
  const server = createServer(async (request, response) => {
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk));
    await pipeline(request, createWriteStream(file));
    response.end(hash.digest('hex'));
  });
  await new Promise<void>((resolve) => server.listen(Number(port), '127.0.0.1', resolve));
}
process.stdout.write('ready\n');
