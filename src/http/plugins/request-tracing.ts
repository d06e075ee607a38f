import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { OpenSpan, Tracing } from '../../lib/tracing.ts';
import { isEventStream, toRoute } from './measuring.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set while traces are made, and where the request is worth one. */
    span: OpenSpan | null;
  }
}

/** Machines ask these all day. */
const quietPaths = /^\/(health|metrics)(\/|\?|$)/;

/**
 * One span for each request, active in all that follows: a caller's `traceparent` is gone on from, one that
 * is not valid is as good as none.
 *
 * @see OpenTelemetry, "Semantic conventions for HTTP spans"
 */
export const requestTracing = fp<{ tracing: Tracing }>(async (app, { tracing }) => {
  app.decorateRequest('span', null);
  app.addHook('onRequest', (request, reply, done) => {
    if (quietPaths.test(request.url)) return done();
    const span = openSpan(request, tracing);
    request.span = span;
    reply.raw.once('close', () => {
      const { statusCode, writableFinished } = reply.raw;
      span.set({ 'http.response.status_code': statusCode });
      if (!writableFinished && !isEventStream(request)) span.fail('caller_gone');
      else if (statusCode >= 500) span.fail(String(statusCode));
      span.end();
    });
    span.within(done);
  });
  // A body is read by events of the socket, which know nothing of the request: so it is said again.
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.span) request.span.within(done);
    else done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    if (request.span) request.span.within(done);
    else done();
  });
});

function openSpan(request: FastifyRequest, tracing: Tracing): OpenSpan {
  const { method, route } = toRoute(request);
  const { traceparent } = request.headers;
  const isRoute = route !== 'none';
  return tracing.startSpan(isRoute ? `${method} ${route}` : method, {
    kind: 'server',
    continues: typeof traceparent === 'string' ? traceparent : undefined,
    attributes: {
      'http.request.method': method,
      'http.route': isRoute ? route : undefined,
      'url.scheme': request.protocol,
      'url.path': request.url.split('?')[0],
      'server.address': request.hostname,
      'client.address': request.ip,
      'user_agent.original': request.headers['user-agent'],
      'pressroom.request_id': request.id,
    },
  });
}
