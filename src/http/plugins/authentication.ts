import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { ApiKeyConfig } from '../../lib/api-key-config.ts';
import { RequestError } from '../../lib/errors.ts';
import { anonymous, type Caller, hasAnyScope } from '../caller.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
  }
  interface FastifyContextConfig {
    /** One of these is needed; none named: any valid key will do. Every route says so. */
    scopes?: readonly string[];
  }
}

/** Knows the caller of every request in its scope. Denies by default: a route without scopes does not start. */
export const authentication = fp<{ apiKeys: () => ApiKeyConfig[] }>(async (app, { apiKeys }) => {
  app.decorateRequest('caller');
  app.addHook('onRoute', ({ config, method, url }) => {
    if (!config?.scopes)
      throw new Error(`The route ${method} ${url} does not say which scopes it needs`);
  });
  app.addHook('onRequest', (request, _reply, done) => {
    request.caller = identify(request, apiKeys());
    const scopes = request.routeOptions.config.scopes ?? [];
    if (scopes.length > 0 && !hasAnyScope(request.caller, scopes)) throw lacksScope(scopes);
    done();
  });
});

export function lacksScope(scopes: readonly string[]): RequestError {
  const detail =
    scopes.length === 1
      ? `The API key lacks the scope ${scopes[0]}.`
      : `The API key needs one of the scopes ${scopes.join(', ')}.`;
  return new RequestError('insufficient_scope', detail, {
    headers: {
      'www-authenticate': `Bearer realm="pressroom", error="insufficient_scope", scope="${scopes.join(' ')}"`,
    },
  });
}

function identify(request: FastifyRequest, keys: ApiKeyConfig[]): Caller {
  if (keys.length === 0) return anonymous;
  const sent = sentKey(request);
  if (sent === undefined)
    throw unauthenticated('Send an API key as X-API-Key, or as a Bearer token.', '');
  const key = findKey(sent, keys);
  if (!key) throw unauthenticated('The API key is not known.', ', error="invalid_token"');
  return { id: key.id, scopes: new Set(key.scopes), sites: key.sites };
}

function sentKey({ headers }: FastifyRequest): string | undefined {
  const own = headers['x-api-key'];
  if (typeof own === 'string' && own !== '') return own;
  return /^Bearer +([^\s]+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Compares with every key, so that the time taken tells nothing. */
function findKey(sent: string, keys: ApiKeyConfig[]): ApiKeyConfig | undefined {
  const digest = createHash('sha256').update(sent).digest();
  let found: ApiKeyConfig | undefined;
  for (const key of keys) {
    if (timingSafeEqual(digest, Buffer.from(key.sha256, 'hex'))) found = key;
  }
  return found;
}

function unauthenticated(detail: string, why: string): RequestError {
  return new RequestError('unauthenticated', detail, {
    headers: { 'www-authenticate': `Bearer realm="pressroom"${why}` },
  });
}
