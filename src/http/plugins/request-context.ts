import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyRequest {
    /** Public root of this deployment, without a trailing slash: what links begin with. */
    root: string;
  }
}

const callersId = /^[A-Za-z0-9._-]{8,128}$/;

/** The caller's own id if it is harmless in logs and headers, else one of ours. */
export function chooseRequestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && callersId.test(given) ? given : randomUUID();
}

/** Gives every request its id and its root, every answer the id, and the log one line for each. */
export const requestContext = fp<{ publicUrl: () => string }>(async (app, { publicUrl }) => {
  app.decorateRequest('root', '');
  app.addHook('onRequest', async (request, reply) => {
    request.root = publicUrl() || hostOf(request);
    reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url,
        statusCode: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime),
      },
      'Request answered',
    );
  });
});

/** How the caller itself names us. */
export function hostOf(request: FastifyRequest): string {
  return `${request.protocol}://${request.host}`;
}
