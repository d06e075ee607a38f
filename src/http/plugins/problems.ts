import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import {
  type ErrorCode,
  GatewayError,
  QueueUnavailableError,
  RequestError,
} from '../../lib/errors.ts';
import { type Problem, toProblem, withPublicUrl } from '../../lib/problem.ts';
import { isRedisAway } from '../../lib/redis.ts';
import { namesType } from './negotiation.ts';

const problemType = 'application/problem+json';

/** Seconds after which a refusal of these kinds may be over. */
const retryAfter: Partial<Record<ErrorCode, number>> = {
  queue_unavailable: 2,
  draining: 5,
  storage_exhausted: 60,
  site_busy: 10,
  site_unreachable: 30,
  site_read_only: 60,
  site_upgrading: 60,
};

/** Codes of Fastify and its plugins for what is the caller's doing. */
const frameworkCodes: Record<string, ErrorCode> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_request',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_request',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_request',
  FST_PARTS_LIMIT: 'payload_too_large',
  FST_FILES_LIMIT: 'payload_too_large',
  FST_FIELDS_LIMIT: 'payload_too_large',
  FST_REQ_FILE_TOO_LARGE: 'payload_too_large',
  FST_PROTO_VIOLATION: 'malformed_request',
  FST_MP_PREMATURE_CLOSE: 'malformed_request',
  FST_INVALID_MULTIPART_CONTENT_TYPE: 'unsupported_media_type',
  FST_INVALID_JSON_FIELD_ERROR: 'malformed_request',
  FST_ERR_BAD_URL: 'malformed_request',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
};

/** What their own words leave open. */
const frameworkDetails: Record<string, string> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body is of another media type.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty, though it is said to be JSON.',
  FST_PARTS_LIMIT: 'The form has too many parts.',
  FST_FILES_LIMIT: 'The form has more files than are taken here.',
  FST_FIELDS_LIMIT: 'The form has too many fields.',
  FST_PROTO_VIOLATION: 'A part has a name that cannot be used.',
  FST_INVALID_JSON_FIELD_ERROR: 'A part that is said to be JSON is none.',
};

/** Every answer that is not a success is a problem (RFC 9457), wherever it comes from. */
export const problems = fp(async (app) => {
  const routes = collectRoutes(app);
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.addHook('onRequest', (_request, _reply, done) => {
    if (isClosing)
      throw new RequestError('draining', 'This process is stopping; send the request again.');
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (isClosing) reply.header('connection', 'close'); // an open connection would hold the process
    done(null, payload);
  });
  const whyNoRoute = (request: FastifyRequest) => {
    const methods = routes
      .filter((route) => route.pattern.test(pathOf(request)))
      .map((route) => route.method);
    return methods.length > 0 ? toMethodError(request, methods) : toUnknownRoute();
  };
  // What else is wrong with a request matters only where there is somebody to take it.
  app.setErrorHandler((error, request, reply) =>
    sendProblem(request.is404 && !isClosing ? whyNoRoute(request) : error, request, reply),
  );
  app.setNotFoundHandler((request, reply) => sendProblem(whyNoRoute(request), request, reply));
});

/** For the errors that Fastify meets before a request has a route. */
export function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = hasBrokenOff(request) ? brokenOff(error) : understand(error);
  const problem = { ...withPublicUrl(toProblem(known), request.root), requestId: request.id };
  if (problem.status >= 500)
    request.log[known === error ? 'warn' : 'error']({ err: error }, 'Request failed');
  if (problem.status === 415) sayWhatIsTaken(problem, request, reply);
  const seconds = known instanceof GatewayError ? retryAfter[known.code] : undefined;
  if (seconds !== undefined) reply.header('retry-after', String(seconds));
  if (known instanceof RequestError) reply.headers(known.headers);
  // A Buffer, as Fastify would add a charset to text and the type must be exact.
  return reply
    .code(problem.status)
    .header('content-type', chooseType(request))
    .header('x-request-id', request.id)
    .header('cache-control', 'no-store')
    .send(Buffer.from(JSON.stringify(problem)));
}

/** Sends a problem that was stored, such as a failed job's. */
export function sendStoredProblem(
  problem: Problem,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  return reply
    .code(problem.status)
    .header('content-type', chooseType(request))
    .send(Buffer.from(JSON.stringify(withPublicUrl(problem, request.root))));
}

/** OGC's test suite wants plain JSON where it asks for that and nothing else. */
function chooseType({ headers: { accept } }: FastifyRequest): string {
  const asksForJson = namesType(accept, 'application/json') && !namesType(accept, problemType);
  return asksForJson ? 'application/json' : problemType;
}

function hasBrokenOff({ raw }: FastifyRequest): boolean {
  return raw.destroyed && !raw.complete;
}

/** Nobody is there to hear it; but it is no fault of ours, and nothing for the log of faults. */
function brokenOff(error: unknown): RequestError {
  const message = 'The request broke off before its end.';
  return new RequestError('malformed_request', message, { cause: error });
}

/** RFC 9110, section 15.5.16: `Accept` tells what the resource would have taken. */
function sayWhatIsTaken(problem: Problem, request: FastifyRequest, reply: FastifyReply): void {
  const types = Object.keys(request.routeOptions.config.operation?.body?.content ?? {});
  if (types.length === 0) return;
  reply.header('accept', types.join(', '));
  problem.detail = `${problem.detail} This resource takes ${types.join(' or ')}.`;
}

function understand(error: unknown): unknown {
  if (error instanceof GatewayError) return error;
  if (isRedisAway(error))
    return new QueueUnavailableError('The queue does not answer.', { cause: error });
  const {
    code = '',
    statusCode = 500,
    message: theirs,
  } = error as { code?: string; statusCode?: number; message: string };
  const message = frameworkDetails[code] ?? theirs;
  const known =
    frameworkCodes[code] ??
    (statusCode >= 400 && statusCode < 500 ? 'malformed_request' : undefined);
  return known ? new RequestError(known, message, { cause: error }) : error;
}

type KnownRoute = { method: string; pattern: RegExp };

function collectRoutes(app: FastifyInstance): KnownRoute[] {
  const routes: KnownRoute[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    const pattern = new RegExp(`^${url.replaceAll(/:[A-Za-z]+/g, '[^/]+')}$`);
    for (const each of [method].flat()) routes.push({ method: each, pattern });
  });
  return routes;
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? '';
}

function toMethodError(request: FastifyRequest, methods: string[]): RequestError {
  const allow = [...new Set(methods)].sort().join(', ');
  return new RequestError(
    'method_not_allowed',
    `${request.method} is not offered here, but ${allow}.`,
    {
      headers: { allow },
    },
  );
}

function toUnknownRoute(): RequestError {
  return new RequestError('not_found', 'There is nothing at this address.');
}
