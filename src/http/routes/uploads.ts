import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DocumentContent } from '../../documents/document-content.ts';
import { storageKeyOfUpload, type UploadRecord } from '../../jobs/upload-records.ts';
import { RequestError } from '../../lib/errors.ts';
import { creatingScopes, jobReadingScopes } from '../caller.ts';
import { invalid } from '../execution/execute-request.ts';
import { nextPart } from '../execution/multipart-request.ts';
import { readDigests } from '../file-digest.ts';
import type { HttpDeps } from '../http-deps.ts';
import { drain, readApart, whenCallerGoes } from '../incoming-stream.ts';
import { jsonLink, Link, uploadUrl } from '../links.ts';
import { operation, UploadPath } from '../operation.ts';
import { toTime } from '../status-info.ts';
import type { UploadReceiver } from '../upload-receiver.ts';

const Upload = z
  .object({
    id: z.string().describe('Id of the upload'),
    name: z.string().describe('Name of the file as it was sent'),
    sizeBytes: z.int(),
    sha256: z.string().describe('SHA-256 of the content, in hex'),
    content: DocumentContent.optional().describe('What the file holds, where we know how to look'),
    created: z.iso.datetime(),
    links: z.array(Link),
  })
  .meta({ id: 'Upload' });

const UploadQuery = z.strictObject({
  name: z.string().min(1).max(500).optional().describe('Name of the file, of a raw body'),
});

type Deps = HttpDeps & { receiver: UploadReceiver };

export async function uploadRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  // Here any body is a file: it is handed on as a stream and never gathered.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

  app.post('/uploads', createOperation, async (request, reply) => {
    try {
      await deps.redis.ping(); // who sends gigabytes should hear of it first when nothing can be accepted
      await deps.receiver.checkRoom(request.headers);
      const upload = await receive(request, whenCallerGoes(reply), deps);
      return reply
        .code(201)
        .header('location', uploadUrl(request.root, upload.uploadId))
        .send(toUpload(upload, request.root));
    } catch (error) {
      drain(request);
      throw error;
    }
  });

  app.get('/uploads/:uploadId', readOperation, async (request) =>
    toUpload(await getUpload(request, deps), request.root),
  );

  app.delete('/uploads/:uploadId', deleteOperation, async (request, reply) =>
    removeUpload(request, reply, deps),
  );
}

async function receive(
  request: FastifyRequest,
  signal: AbortSignal,
  { receiver, uploadsConfig }: Deps,
): Promise<UploadRecord> {
  const digests = readDigests(request.headers, { isBareBody: !request.isMultipart() });
  if (!request.isMultipart()) {
    const file = { name: toFileName(request), source: toRawBody(request), digests };
    return receiver.receive(request.caller.id, file, signal);
  }
  let upload: UploadRecord | undefined;
  try {
    const limits = { files: 1, parts: 10, fileSize: uploadsConfig.maxBytes };
    const parts = request.parts({ limits });
    for (let part = await nextPart(parts); part; part = await nextPart(parts)) {
      if (part.type !== 'file' || part.fieldname !== 'file') {
        throw invalid(
          `#/${encodeURIComponent(part.fieldname)}`,
          'unknown_part',
          'the one part is the file, named `file`',
        );
      }
      const file = { name: part.filename ?? 'unnamed', source: part.file, digests };
      upload = await receiver.receive(request.caller.id, file, signal);
    }
  } catch (error) {
    if (upload) await receiver.discard(upload);
    throw error;
  }
  if (!upload) throw invalid('#/file', 'missing', 'send the file as a part named `file`');
  return upload;
}

function toRawBody({ body, headers }: FastifyRequest): Readable {
  if (/\bjson\b/i.test(headers['content-type'] ?? '')) {
    throw new RequestError(
      'unsupported_media_type',
      'A file is sent as it is, or as a form; JSON is no file here.',
    );
  }
  if (body === null || body === undefined) {
    throw new RequestError('malformed_request', 'The body is empty: send the file in it.');
  }
  return readApart(body as Readable);
}

function toFileName({ query, headers }: FastifyRequest): string {
  const { name } = query as z.output<typeof UploadQuery>;
  if (name !== undefined) return name;
  const disposition = headers['content-disposition'] ?? '';
  const extended = /filename\*\s*=\s*UTF-8''([^;\s]+)/i.exec(disposition)?.[1];
  if (extended && /^(?:[^%]|%[0-9a-f]{2})*$/i.test(extended))
    return Buffer.from(unescapeBytes(extended)).toString();
  return (
    /filename\s*=\s*(?:"([^"]*)"|([^;\s]+))/i.exec(disposition)?.slice(1).find(Boolean) ?? 'unnamed'
  );
}

function unescapeBytes(text: string): number[] {
  return [...text.matchAll(/%([0-9a-f]{2})|(.)/gi)].map(([, hex, letter = '']) =>
    hex ? Number.parseInt(hex, 16) : letter.charCodeAt(0),
  );
}

/** @throws RequestError not_found, the same for an upload of somebody else */
async function getUpload(request: FastifyRequest, { uploads }: Deps): Promise<UploadRecord> {
  const { uploadId } = request.params as z.output<typeof UploadPath>;
  const upload = await uploads.find(uploadId);
  if (upload?.owner === request.caller.id) return upload;
  throw new RequestError('not_found', 'There is no upload with this id.');
}

async function removeUpload(
  request: FastifyRequest,
  reply: FastifyReply,
  deps: Deps,
): Promise<FastifyReply> {
  const { uploadId } = await getUpload(request, deps);
  if (!(await deps.uploads.removeIfFree(uploadId))) {
    const holders = await deps.uploads.findHolders(uploadId);
    throw new RequestError('conflict', `The file is still needed by ${holders.join(', ')}.`);
  }
  await deps.storage.delete(storageKeyOfUpload(uploadId));
  return reply.code(204).send();
}

function toUpload(upload: UploadRecord, root: string): z.output<typeof Upload> {
  return {
    id: upload.uploadId,
    name: upload.name,
    sizeBytes: upload.sizeBytes,
    sha256: upload.sha256,
    ...(upload.content && { content: upload.content }),
    created: toTime(upload.createdMs),
    links: [jsonLink('self', uploadUrl(root, upload.uploadId))],
  };
}

const anyFile = { description: 'The file', contentMediaType: 'application/octet-stream' };

const createOperation = operation({
  operationId: 'createUpload',
  tag: 'uploads',
  summary: 'Upload a file',
  description:
    'As a form with the part `file`, or as the bare body. The file is streamed, hashed and looked into; an upload that no job uses is deleted after a while.',
  scopes: creatingScopes,
  query: UploadQuery,
  requestHeaders: ['Repr-Digest'],
  body: {
    isRequired: true,
    description: 'The file',
    content: {
      'multipart/form-data': {
        schema: { type: 'object', required: ['file'], properties: { file: anyFile } },
      },
      'application/octet-stream': { schema: anyFile },
    },
  },
  answers: { 201: { description: 'The upload', schema: Upload, headers: ['Location'] } },
  problems: [400, 401, 403, 406, 413, 415, 500, 503],
});

const readOperation = operation({
  operationId: 'getUpload',
  tag: 'uploads',
  summary: 'Read what is known of an upload',
  description: 'Its name, size, digest and, of a document of ArcGIS, what is in it.',
  scopes: jobReadingScopes,
  path: UploadPath,
  answers: { 200: { description: 'The upload', schema: Upload } },
  problems: [400, 401, 403, 404, 406, 500, 503],
});

const deleteOperation = operation({
  operationId: 'deleteUpload',
  tag: 'uploads',
  summary: 'Delete an upload',
  description:
    'Refused while a job needs it: one that has not ended, or one that failed in the last days.',
  scopes: creatingScopes,
  path: UploadPath,
  answers: { 204: { description: 'It is deleted' } },
  problems: [400, 401, 403, 404, 406, 409, 500, 503],
});
