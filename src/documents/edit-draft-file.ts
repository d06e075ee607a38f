import { rm, writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { DocumentError } from '../lib/errors.ts';
import { copyWithMembers, findMember, openArchive, readMembers } from './archive.ts';
import type { ArchiveLimits } from './archive-limits.ts';
import { checkSignature } from './archive-signature.ts';
import type { DraftChange, DraftEdits } from './draft-edits.ts';
import { describeDraft, openDraft } from './draft-file.ts';
import { editDefinition } from './edit-definition.ts';
import { editDraft } from './edit-draft.ts';
import { getForm, readText } from './read-document.ts';

export type DraftEditTask = {
  source: string;
  target: string | undefined;
  edits: DraftEdits;
  /** A draft in which everything is as wished already is written all the same. */
  mayStay?: boolean;
};
export type DraftEdited = {
  kind: 'service-definition-draft' | 'service-definition';
  changes: DraftChange[];
};

type Options = { limits: ArchiveLimits; deadline: number };

/**
 * Edits a draft (.sddraft) or a staged definition (.sd) and writes it as `target`; without a target it only tells what
 * would change. What was written is read again.
 *
 * @throws DocumentError edit_refused | nothing_matched | archive_rejected | unreadable_document
 */
export async function editDraftFile(
  { source, target, edits, mayStay = false }: DraftEditTask,
  options: Options,
): Promise<DraftEdited> {
  const form = await getForm(source);
  if (form === 'xml') {
    const root = openDraft(await readText(source), 'The draft');
    const changes = editDraft(root, edits, { mayStay });
    if (target !== undefined) {
      await writeFile(target, root.writeDocument(), { mode: 0o600, flag: 'wx' });
      await checkDraft(target, describeDraft(root));
    }
    return { kind: 'service-definition-draft', changes };
  }
  if (form === '7z') return await editStaged({ source, target, edits }, options);
  throw new DocumentError(
    'edit_refused',
    'Only drafts (.sddraft) and definitions (.sd) are edited here.',
  );
}

async function checkDraft(
  target: string,
  planned: ReturnType<typeof describeDraft>,
): Promise<void> {
  const again = describeDraft(openDraft(await readText(target), 'The written draft'));
  if (isDeepStrictEqual(again, planned)) return;
  await rm(target, { force: true });
  throw new Error('The written draft is not what was planned');
}

async function editStaged(
  { source, target, edits }: DraftEditTask,
  options: Options,
): Promise<DraftEdited> {
  await checkSignature(source);
  const archive = await openArchive(source, options);
  const members = ['manifest.xml', 'serviceconfiguration.json'].map((name) => {
    const member = findMember(archive, name);
    if (member) return member;
    throw new DocumentError(
      'unreadable_document',
      `The archive is no service definition: it has no ${name}.`,
    );
  });
  const read = await readMembers(archive, members);
  const [manifest, configuration] = members.map(({ name }) => read.get(name) ?? Buffer.alloc(0));
  const before = {
    manifest: manifest ?? Buffer.alloc(0),
    configuration: configuration ?? Buffer.alloc(0),
  };
  const { texts, changes } = editDefinition(before, edits);
  if (target !== undefined) {
    const contents = new Map<string, Buffer>();
    const [manifestName = '', configurationName = ''] = members.map(({ name }) => name);
    if (!texts.manifest.equals(before.manifest)) contents.set(manifestName, texts.manifest);
    if (!texts.configuration.equals(before.configuration)) {
      contents.set(configurationName, texts.configuration);
    }
    await copyWithMembers(archive, target, contents);
    await checkStaged(target, { archive, contents, options });
  }
  return { kind: 'service-definition', changes };
}

async function checkStaged(
  target: string,
  {
    archive,
    contents,
    options,
  }: {
    archive: Awaited<ReturnType<typeof openArchive>>;
    contents: ReadonlyMap<string, Buffer>;
    options: Options;
  },
): Promise<void> {
  const again = await openArchive(target, options);
  const found = await readMembers(
    again,
    again.members.filter(({ name }) => contents.has(name)),
  );
  const areChanged = [...contents].every(([name, content]) => found.get(name)?.equals(content));
  const unchanged = (list: typeof archive.members) =>
    new Map(
      list
        .filter(({ name }) => !contents.has(name))
        .map(({ name, crc, sizeBytes }) => [name, [crc, sizeBytes]]),
    );
  if (areChanged && isDeepStrictEqual(unchanged(again.members), unchanged(archive.members))) return;
  await rm(target, { force: true });
  throw new Error('The written definition is not what was planned');
}
