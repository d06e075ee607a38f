import { needsPassword } from '../../documents/connection-file.ts';
import { RequestError } from '../../lib/errors.ts';
import type { UploadRecord } from '../upload-records.ts';

/**
 * What is wrong with a file is known as soon as it is here.
 *
 * @throws RequestError unreadable_document for no .sde, validation_error for one without its password
 */
export function checkConnectionFiles(uploads: Record<string, UploadRecord>): void {
  for (const [input, { content, name }] of Object.entries(uploads)) {
    if (content?.kind !== 'connection-file') {
      const what = content ? `a ${content.kind.replaceAll('-', ' ')}` : 'no document that is known';
      throw refusal(input, {
        code: 'unreadable_document',
        detail: /\.ags$/i.test(name)
          ? 'This is a connection to a server (.ags); a connection to a database (.sde) is needed.'
          : `A database connection file (.sde) is needed; ${name} is ${what}.`,
      });
    }
    if (!content.hasPassword && needsPassword(content)) {
      throw refusal(input, {
        code: 'validation_error',
        detail:
          'No password is saved in the connection file, and a site cannot ask for one. Save user and password in the file, or send the parts of the connection.',
      });
    }
  }
}

function refusal(
  input: string,
  { code, detail }: { code: 'unreadable_document' | 'validation_error'; detail: string },
): RequestError {
  return new RequestError(code, detail, {
    errors: [{ pointer: `#/inputs/${input}`, code, detail }],
  });
}
