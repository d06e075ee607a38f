import { z } from 'zod';
import { RequestError } from '../lib/errors.ts';

/** How an input refers to a file that was uploaded before, or made by a job. */
export const FileLink = z
  .strictObject({
    href: z
      .string()
      .min(1)
      .max(2_000)
      .describe(
        'Link to an upload, `/v1/uploads/{uploadId}`, or to the file that a job made, `/v1/artifacts/{jobId}`; also absolute below the public root',
      ),
    type: z.string().max(200).optional().describe('Media type; not needed'),
  })
  .meta({ id: 'FileLink' });
export type FileLink = z.output<typeof FileLink>;

const filePath = /^\/v1\/(uploads|artifacts)\/([0-9a-f-]{36})$/i;

export type LinkedFile = { kind: 'upload' | 'artifact'; id: string };

/** The one form that parameters keep. */
export function linkToUpload(uploadId: string): FileLink {
  return { href: `/v1/uploads/${uploadId}` };
}

/** @throws RequestError validation_error for a link to anything but a file of this gateway */
export function readLink(link: FileLink, publicUrls: string[], pointer = '#/inputs'): LinkedFile {
  const root = publicUrls.find((url) => link.href.startsWith(`${url}/`)) ?? '';
  const [, folder, id] = filePath.exec(link.href.slice(root.length)) ?? [];
  if (!folder || !id) {
    throw notOurs(
      'The link does not lead to a file of this gateway.',
      'send the href of an upload, /v1/uploads/{uploadId}, or of an artifact, /v1/artifacts/{jobId}',
      pointer,
    );
  }
  return {
    kind: folder.toLowerCase() === 'uploads' ? 'upload' : 'artifact',
    id: id.toLowerCase(),
  };
}

/**
 * Of a link as parameters keep it.
 *
 * @throws RequestError validation_error for a link to anything but one of our uploads
 */
export function uploadIdOf(link: FileLink, publicUrls: string[], pointer = '#/inputs'): string {
  const { kind, id } = readLink(link, publicUrls, pointer);
  if (kind === 'upload') return id;
  throw notOurs(
    'The link does not lead to an upload of this gateway.',
    'send the href of an upload: /v1/uploads/{uploadId}',
    pointer,
  );
}

function notOurs(message: string, detail: string, pointer: string): RequestError {
  return new RequestError('validation_error', message, {
    errors: [{ pointer: `${pointer}/href`, code: 'invalid_link', detail }],
  });
}
