import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { findArtifact, readArtifact } from '../../jobs/artifact-records.ts';
import { RequestError } from '../../lib/errors.ts';
import { jobReadingScopes } from '../caller.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ArtifactPath, operation } from '../operation.ts';

/** Files that jobs made. They are seen by whoever asked for the job, and by nobody else. */
export async function artifactRoutes(
  app: FastifyInstance,
  { storage }: Pick<HttpDeps, 'storage'>,
): Promise<void> {
  app.get('/artifacts/:artifactId', readOperation, async (request, reply) => {
    const { artifactId } = request.params as z.output<typeof ArtifactPath>;
    const artifact = await findArtifact(storage, artifactId);
    if (artifact?.owner !== request.caller.id) {
      throw new RequestError('not_found', 'There is no artifact with this id.');
    }
    return reply
      .header('content-type', artifact.mediaType)
      .header('content-length', artifact.sizeBytes)
      .header('content-disposition', toDisposition(artifact.name))
      .header('repr-digest', `sha-256=:${Buffer.from(artifact.sha256, 'hex').toString('base64')}:`)
      .header('x-content-type-options', 'nosniff')
      .send(readArtifact(storage, artifact));
  });
}

/** The name twice: plain for old clients, and whole (RFC 6266). */
function toDisposition(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\]/g, '_');
  const whole = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16)}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${whole}`;
}

const readOperation = operation({
  operationId: 'getArtifact',
  tag: 'artifacts',
  summary: 'Get a file that a job made',
  description:
    'The file as it is, under its own name. An artifact has the id of its job, belongs to whoever asked for it, and is kept as long as the job.',
  scopes: jobReadingScopes,
  path: ArtifactPath,
  answers: {
    200: {
      description: 'The file',
      schema: z.string().meta({ contentMediaType: 'application/octet-stream' }),
      types: ['application/octet-stream', 'application/json', 'application/xml'],
    },
  },
  problems: [400, 401, 403, 404, 406, 500, 503],
  produces: ['*/*'],
});
