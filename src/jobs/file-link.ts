import { z } from 'zod';
import { RequestError } from '../lib/errors.ts';

/** How an input refers to a file that was uploaded before. */
export const FileLink = z
  .strictObject({
    href: z
      .string()
      .min(1)
      .max(2_000)
      .describe('Link to an upload: `/v1/uploads/{uploadId}`, or absolute below the public root'),
    type: z.string().max(200).optional().describe('Media type; not needed'),
  })
  .meta({ id: 'FileLink' });
export type FileLink = z.output<typeof FileLink>;

const uploadPath = /^\/v1\/uploads\/([0-9a-f-]{36})$/i;

/** The one form that parameters keep. */
export function linkToUpload(uploadId: string): FileLink {
  return { href: `/v1/uploads/${uploadId}` };
}

/** @throws RequestError validation_error for a link to anything but one of our uploads */
export function uploadIdOf(link: FileLink, publicUrls: string[], pointer = '#/inputs'): string {
  const root = publicUrls.find((url) => link.href.startsWith(`${url}/`)) ?? '';
  const uploadId = uploadPath.exec(link.href.slice(root.length))?.[1];
  if (!uploadId) {
    throw new RequestError(
      'validation_error',
      'The link does not lead to an upload of this gateway.',
      {
        errors: [
          {
            pointer: `${pointer}/href`,
            code: 'invalid_link',
            detail: 'send the href of an upload: /v1/uploads/{uploadId}',
          },
        ],
      },
    );
  }
  return uploadId.toLowerCase();
}
