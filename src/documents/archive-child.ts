/**
 * Entry of the process that reads archives. Files come from strangers: what unpacks and parses them has no
 * secrets in its environment, bounded memory, and can be killed at any moment.
 */
import { DocumentError } from '../lib/errors.ts';
import { copyWithMember, findMember, openArchive, readMembers } from './archive.ts';
import type { ArchiveAnswer, ArchiveFault, ArchiveRequest } from './archive-task.ts';
import { readDefinitionContent } from './definition-content.ts';
import { editDraftFile } from './edit-draft-file.ts';
import { editMap } from './edit-map.ts';
import { readDocument } from './read-document.ts';
import { toReplacementManifest } from './replacement-manifest.ts';
import { SevenZipStop } from './seven-zip.ts';
import { listZip, unpackZipMember } from './unpack-zip.ts';
import { limitWebAssemblyMemory } from './web-assembly.ts';

const maxWebAssemblyBytes = 256 * 2 ** 20;

async function carryOut({ task, limits, deadline }: ArchiveRequest): Promise<unknown> {
  if (task.kind === 'describe') {
    return await readDefinitionContent(await openArchive(task.file, { limits, deadline }));
  }
  if (task.kind === 'read-member') {
    const archive = await openArchive(task.file, { limits, deadline });
    const member = getMember(archive, task.member);
    return (await readMembers(archive, [member], { maxBytes: task.maxBytes })).get(member.name);
  }
  if (task.kind === 'read-document') {
    return await readDocument(task.file, { ...task, limits, deadline });
  }
  if (task.kind === 'list-zip') return await listZip(task.file, limits);
  if (task.kind === 'unpack-zip-member')
    return await unpackZipMember(task.file, task, { limits, deadline });
  if (task.kind === 'edit-draft') return await editDraftFile(task, { limits, deadline });
  if (task.kind === 'edit-map') return await editMap(task, { limits });
  const archive = await openArchive(task.source, { limits, deadline });
  const member = getMember(archive, 'manifest.xml');
  const manifest = (await readMembers(archive, [member])).get(member.name) ?? Buffer.alloc(0);
  const content = toReplacementManifest(manifest);
  await copyWithMember(archive, task.target, { name: member.name, content });
  return undefined;
}

function getMember(archive: Awaited<ReturnType<typeof openArchive>>, name: string) {
  const member = findMember(archive, name);
  if (!member) throw new DocumentError('unreadable_document', `The archive has no ${name}.`);
  return member;
}

function toFault(error: unknown): ArchiveFault {
  if (error instanceof DocumentError) {
    return { kind: 'document', code: error.code, message: error.message, facts: error.facts };
  }
  if (error instanceof SevenZipStop) {
    if (error.reason === 'deadline') return { kind: 'deadline' };
    const message = 'The archive is not accepted: a member is larger than it says.';
    return { kind: 'document', code: 'archive_rejected', message, facts: {} };
  }
  if ((error as Error).name === 'AbortError') return { kind: 'deadline' };
  const { message, stack, code } = error as NodeJS.ErrnoException;
  return { kind: 'other', message: stack ?? message, ...(code && { code }) };
}

function answer(message: ArchiveAnswer): void {
  process.send?.(message);
}

limitWebAssemblyMemory(maxWebAssemblyBytes);
process.on('disconnect', () => process.exit(0));
process.on('message', (request: ArchiveRequest) => {
  carryOut(request).then(
    (result) => answer({ id: request.id, result }),
    (error: unknown) => answer({ id: request.id, fault: toFault(error) }),
  );
});
answer({ id: 'ready' });
