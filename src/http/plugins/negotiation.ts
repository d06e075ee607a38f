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
  app.addHook('onRequest', (request, _reply, done) => {
    const { accept } = request.headers;
    if (accept === undefined || accept === '*/*') return done();
    const produces = request.routeOptions.config.produces ?? ['application/json'];
    if (request.is404 || acceptsAny(accept, produces)) return done();
    throw new RequestError('not_acceptable', `This resource comes as ${produces.join(' or ')}.`);
  });
});

/** No header accepts everything. A type with `q=0` is refused, also where a pattern would let it pass. */
export function acceptsAny(accept: string | undefined, types: readonly string[]): boolean {
  const ranges = parseAccept(accept);
  return ranges.length === 0 || types.some((type) => isAccepted(type, ranges));
}

/** True when the header names the type itself, not only a pattern that it fits. */
export function namesType(accept: string | undefined, type: string): boolean {
  return parseAccept(accept).some(({ range, isRefused }) => !isRefused && range === type);
}

type MediaRange = { range: string; isRefused: boolean };

function parseAccept(accept = ''): MediaRange[] {
  return accept
    .split(',')
    .filter((text) => text.trim() !== '') // RFC 9110, section 5.6.1: empty elements do not count
    .map((text) => {
      const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
      return { range, isRefused: parameters.some((each) => /^q=0(\.0*)?$/.test(each)) };
    });
}

/** The most exact range that fits decides (RFC 9110, section 12.5.1). */
function isAccepted(type: string, ranges: MediaRange[]): boolean {
  if (type === '*/*') return ranges.some(({ isRefused }) => !isRefused);
  for (const wanted of [type, `${type.split('/')[0]}/*`, '*/*']) {
    const fitting = ranges.filter(({ range }) => range === wanted);
    if (fitting.length > 0) return fitting.some(({ isRefused }) => !isRefused);
  }
  return false;
}
