import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { RequestError } from '../../lib/errors.ts';
import type { HttpDeps } from '../http-deps.ts';

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
export const requestContext = fp<Pick<HttpDeps, 'publicUrl' | 'log'>>(
  async (app, { publicUrl, log }) => {
    app.decorateRequest('root', '');
    app.addHook('onRequest', (request, reply, done) => {
      request.root = publicUrl() || hostOf(request);
      reply.header('x-request-id', request.id);
      checkHost(request.raw);
      done();
    });
    app.addHook('onResponse', (request, reply, done) => {
      log.info(
        {
          reqId: request.id,
          method: request.method,
          route: request.routeOptions.url,
          statusCode: reply.statusCode,
          durationMs: Math.round(reply.elapsedTime),
        },
        'Request answered',
      );
      done();
    });
  },
);

/** How the caller itself names us; one that names nobody (HTTP/1.0) is told the address it came to. */
export function hostOf({ protocol, host, raw }: FastifyRequest): string {
  const { localAddress = '127.0.0.1', localPort } = raw.socket;
  const own = `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
  return `${protocol}://${hostname.test(host) ? host : own}`;
}

const hostname = /^(?:[\w.~%!$&'()*+,;=-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i;

/** @throws RequestError malformed_request (RFC 9112, section 3.2) */
function checkHost({ rawHeaders, headers, httpVersion }: IncomingMessage): void {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  const isMissing = count === 0 && httpVersion !== '1.0';
  const isUsable = count === 0 || (count === 1 && hostname.test(headers.host ?? ''));
  if (isMissing || !isUsable) {
    throw new RequestError(
      'malformed_request',
      'Send one header Host, with the name of this host.',
    );
  }
}
