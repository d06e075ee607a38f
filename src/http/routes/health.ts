import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { RequestError, StorageExhaustedError } from '../../lib/errors.ts';
import type { HttpDeps } from '../http-deps.ts';
import { operation } from '../operation.ts';
import { leastFreeBytes } from '../upload-receiver.ts';

const Health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });

const redisDeadlineMs = 1_000;

/** For orchestrators: no key, and nothing told that a stranger should not know. */
export async function healthRoutes(
  app: FastifyInstance,
  { redis, storage, isDraining }: Pick<HttpDeps, 'redis' | 'storage' | 'isDraining'>,
): Promise<void> {
  const live = operation({
    operationId: 'getLiveness',
    tag: 'operation',
    summary: 'Whether the process lives',
    description: 'A process that does not answer this should be started anew.',
    scopes: 'public',
    answers: { 200: { description: 'It lives', schema: Health } },
    problems: [400, 406, 500],
  });
  app.get('/health/live', live, async () => ({ status: 'ok' }));

  const ready = operation({
    operationId: 'getReadiness',
    tag: 'operation',
    summary: 'Whether the process can take requests',
    description: 'It cannot while Redis is away, storage is full, or it is stopping.',
    scopes: 'public',
    answers: { 200: { description: 'It can', schema: Health } },
    problems: [400, 406, 500, 503],
  });
  app.get('/health/ready', ready, async () => {
    if (isDraining()) throw new RequestError('draining', 'This process is stopping.');
    await answersInTime(redis.ping());
    if ((await storage.readFreeBytes()) < leastFreeBytes) {
      throw new StorageExhaustedError('There is no room left for files.');
    }
    return { status: 'ok' };
  });
}

async function answersInTime(answer: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new RequestError('queue_unavailable', 'Redis did not answer in time.')),
      redisDeadlineMs,
    );
  });
  await Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
