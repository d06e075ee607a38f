import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { type ErrorCode, GatewayError, RequestError } from '../../lib/errors.ts';
import type { Metrics } from '../../lib/metrics.ts';

/** Methods with a series of their own; a caller may send any word. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** What is counted when the caller went before the answer was whole (nginx's number for it). */
const callerGone = 499;

const idempotencyFaults: Partial<Record<ErrorCode, string>> = {
  idempotency_in_flight: 'conflict',
  idempotency_key_reused: 'mismatch',
};

/** Counts and times every request, by the template of its route. */
export const measuring = fp<{ metrics: Metrics }>(async (app, { metrics }) => {
  app.addHook('onRequest', (request, reply, done) => {
    const startedMs = performance.now();
    metrics.httpInFlight.inc();
    // Comes in every case; Fastify's own hook does not when the caller goes.
    reply.raw.once('close', () => {
      metrics.httpInFlight.dec();
      const { statusCode, writableFinished } = reply.raw;
      const isWhole = writableFinished || isEventStream(request);
      const { method, route } = toRoute(request);
      const labels = { method, route, status: String(isWhole ? statusCode : callerGone) };
      metrics.httpRequests.inc(labels);
      if (!isEventStream(request))
        metrics.httpDuration.observe(labels, (performance.now() - startedMs) / 1000);
    });
    done();
  });
  app.addHook('onError', (_request, _reply, error, done) => {
    const failure: unknown = error;
    if (failure instanceof GatewayError) countRefusal(metrics, failure);
    done();
  });
});

/** It has no end of its own: that its reader goes is how it ends. */
export function isEventStream({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.config.produces?.includes('text/event-stream') ?? false;
}

export function toRoute(request: FastifyRequest): { method: string; route: string } {
  return {
    method: methods.has(request.method) ? request.method : 'OTHER',
    route: request.is404 ? 'none' : (request.routeOptions.url ?? 'none'),
  };
}

function countRefusal({ authFailures, idempotency }: Metrics, error: GatewayError): void {
  const outcome = idempotencyFaults[error.code];
  if (outcome !== undefined) idempotency.inc({ outcome });
  if (error.code === 'insufficient_scope') authFailures.inc({ reason: 'scope' });
  if (error.code === 'unauthenticated') {
    const asked = error instanceof RequestError ? error.headers['www-authenticate'] : undefined;
    authFailures.inc({ reason: asked?.includes('invalid_token') ? 'unknown_key' : 'no_key' });
  }
}
