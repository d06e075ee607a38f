import { RequestError } from '../../lib/errors.ts';
import type { Acceptance, AcceptanceFacts } from '../job-type.ts';
import type { UploadRecord } from '../upload-records.ts';
import { parseList } from './definition-list.ts';
import type { PublishFolderParams } from './schema.ts';

export type SourceFileKind = 'definition' | 'zip' | 'list' | 'other';

export function kindOf({ name, content }: Pick<UploadRecord, 'name' | 'content'>): SourceFileKind {
  if (content?.kind === 'service-definition') return 'definition';
  if (/\.zip$/i.test(name)) return 'zip';
  return /\.(?:txt|csv|json)$/i.test(name) ? 'list' : 'other';
}

/**
 * Refuses a source that can hold no definition. The children are judged one by one when they are made.
 *
 * @throws RequestError naming each file that is none of those that are taken
 */
export function acceptSource(
  { source, list }: PublishFolderParams,
  { files = [] }: AcceptanceFacts,
): Acceptance {
  if (typeof list === 'string') parseList(list, '#/inputs/list');
  if ('folder' in source) return { locks: [], warnings: [] };
  const pointerOf = (at: number) =>
    Array.isArray(source) ? `#/inputs/source/${at}` : '#/inputs/source';
  const others = files.flatMap((file, at) =>
    kindOf(file) === 'other'
      ? [
          {
            pointer: pointerOf(at),
            code: 'not_a_definition',
            detail: `${file.name} is no service definition (.sd), no .zip and no list (.txt, .csv, .json)`,
          },
        ]
      : [],
  );
  if (others.length > 0) {
    throw new RequestError('unreadable_document', others[0]?.detail ?? '', { errors: others });
  }
  if (files.every((file) => kindOf(file) === 'list')) {
    const detail = 'the source is a list only: send the definitions, too';
    throw new RequestError('validation_error', 'There is nothing to publish.', {
      errors: [{ pointer: '#/inputs/source', code: 'no_definition', detail }],
    });
  }
  return { locks: [], warnings: [] };
}
