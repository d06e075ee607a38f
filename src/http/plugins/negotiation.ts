import fp from 'fastify-plugin';
import { RequestError } from '../../lib/errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media types that the route can answer with; JSON when it says nothing. */
    produces?: readonly string[];
  }
}

/** Answers 406 when nothing in `Accept` fits what the route has. */
export const negotiation = fp(async (app) => {
  app.addHook('onRequest', async (request) => {
    const produces = request.routeOptions.config.produces ?? ['application/json'];
    if (request.is404 || acceptsAny(request.headers.accept, produces)) return;
    throw new RequestError('not_acceptable', `This resource comes as ${produces.join(' or ')}.`);
  });
});

/** No header accepts everything. A type with `q=0` is refused. */
export function acceptsAny(accept: string | undefined, types: readonly string[]): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  return accept
    .split(',')
    .map(parseRange)
    .some(({ range, isRefused }) => !isRefused && types.some((type) => matches(range, type)));
}

/** True when the header names the type itself, not only a pattern that it fits. */
export function namesType(accept: string | undefined, type: string): boolean {
  return (accept ?? '')
    .split(',')
    .map(parseRange)
    .some(({ range, isRefused }) => !isRefused && range === type);
}

function parseRange(text: string): { range: string; isRefused: boolean } {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  return { range, isRefused: parameters.some((each) => /^q=0(\.0*)?$/.test(each)) };
}

function matches(range: string, type: string): boolean {
  return range === '*/*' || type === '*/*' || range === type || range === `${type.split('/')[0]}/*`;
}
