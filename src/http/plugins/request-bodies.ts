import { isUtf8 } from 'node:buffer';
import fp from 'fastify-plugin';
import { RequestError } from '../../lib/errors.ts';

/** Far more than any request needs, and few enough for every walk through it. */
const deepestNesting = 64;

/**
 * Takes JSON, and nothing else that a route does not ask for. Compressed bodies are refused: nobody
 * unpacks them here, and a file would be kept as what it is not.
 */
export const requestBodies = fp(async (app) => {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (request, body: Buffer, done) => {
      const fault = findJsonFault(body);
      if (fault) done(new RequestError('malformed_request', fault));
      else parseJson(request, body.toString(), done);
    },
  );
  app.addHook('onRequest', ({ headers }, _reply, done) => {
    const coding = headers['content-encoding']?.trim().toLowerCase() ?? '';
    if (coding === '' || coding === 'identity') return done();
    throw new RequestError('unsupported_media_type', 'Send the body as it is, not compressed.', {
      headers: { 'accept-encoding': 'identity' },
    });
  });
  app.addHook('preValidation', (request, _reply, done) => {
    const content = request.routeOptions.config.operation?.body?.content ?? {};
    if (request.is404 || !request.isMultipart?.() || 'multipart/form-data' in content)
      return done();
    throw new RequestError('unsupported_media_type', 'A form cannot be taken here.');
  });
});

export function findJsonFault(body: Buffer): string | undefined {
  if (!isUtf8(body)) return 'The body is JSON in another encoding than UTF-8.';
  if (nestingOf(body) > deepestNesting)
    return `The body is nested deeper than ${deepestNesting} levels.`;
  return undefined;
}

const [quote = 0, backslash = 0, ...brackets] = Buffer.from('"\\[{]}');

/** How deep arrays and objects lie in each other, in bytes that may be JSON. */
function nestingOf(json: Buffer): number {
  let depth = 0;
  let deepest = 0;
  let isText = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at] ?? 0;
    if (byte === quote) isText = !isText;
    else if (isText) at += byte === backslash ? 1 : 0;
    else if (byte === brackets[0] || byte === brackets[1]) deepest = Math.max(deepest, ++depth);
    else if (byte === brackets[2] || byte === brackets[3]) depth -= 1;
  }
  return deepest;
}
