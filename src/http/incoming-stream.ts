import type { FastifyReply, FastifyRequest } from 'fastify';

/** How long the rest of a refused body is read and thrown away, so that the refusal can be heard. */
const drainForMs = 30_000;

/** Aborts when the caller is gone before it was answered. */
export function whenCallerGoes(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new Error('The caller is gone'));
  });
  return gone.signal;
}

/**
 * After a refusal in the middle of a body. To close at once would make the caller's system throw the
 * answer away, as it would learn of a reset connection first.
 */
export function drain(request: FastifyRequest): void {
  if (request.raw.readableEnded || request.raw.destroyed) return;
  request.raw.unpipe();
  request.raw.resume();
  const late = setTimeout(() => request.raw.destroy(), drainForMs).unref();
  request.raw.once('close', () => clearTimeout(late));
}
