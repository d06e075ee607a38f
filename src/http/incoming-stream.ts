import { PassThrough, type Readable } from 'node:stream';
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
 * A body as a stream of its own. Whoever stops reading a stream destroys it, and with a bare body the connection on
 * which the caller shall hear why.
 */
export function readApart(body: Readable): Readable {
  const apart = new PassThrough({ highWaterMark: 1 << 20 });
  const breakOff = (error?: Error) => apart.destroy(error ?? new Error('The body broke off'));
  apart.on('error', () => undefined); // whoever reads it hears; before that nobody does, and the process would end
  body.once('error', breakOff).once('close', () => {
    if (!body.readableEnded) breakOff();
  });
  if (body.destroyed && !body.readableEnded) breakOff(); // the caller has gone already
  return body.pipe(apart);
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
