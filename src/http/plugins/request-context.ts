import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { RequestError } from '../../lib/errors.ts';

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
  app.addHook('onRequest', (request, reply, done) => {
    request.root = publicUrl() || hostOf(request);
    reply.header('x-request-id', request.id);
    checkHost(request.raw);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url,
        statusCode: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime),
      },
      'Request answered',
    );
    done();
  });
});

/** How the caller itself names us; one that names nobody (HTTP/1.0) is told the address it came to. */
export function hostOf({ protocol, host, raw }: FastifyRequest): string {
  const { localAddress = '127.0.0.1', localPort } = raw.socket;
  const own = `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
  return `${protocol}://${hostname.test(host) ? host : own}`;
}

const hostname = /^(?:[\w.~%!$&'()*+,;=-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i;

/** @throws RequestError malformed_request (RFC 9112, section 3.2) */
function checkHost({ rawHeaders, headers, httpVersion }: IncomingMessage): void {
  const fields = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  const isMissing = fields.length === 0 && httpVersion !== '1.0';
  const isUsable =
    fields.length === 0 || (fields.length === 1 && hostname.test(headers.host ?? ''));
  if (isMissing || !isUsable) {
    throw new RequestError(
      'malformed_request',
      'Send one header Host, with the name of this host.',
    );
  }
}
