import { createReadStream } from 'node:fs';
import { v5 as deriveId } from 'uuid';
import { DocumentError } from '../../lib/errors.ts';
import { scratch } from '../../storage/folder-storage.ts';
import { makeUpload } from '../artifact-uploads.ts';
import type { JobContext } from '../job-type.ts';
import type { StepContext } from '../step.ts';
import { storageKeyOfUpload, type UploadRecord } from '../upload-records.ts';
import { kindOf } from './accept-source.ts';
import { parseList } from './definition-list.ts';
import type { EarlierMembers, KnownMember } from './folder-plan.ts';
import type { ListedDefinition } from './schema.ts';
import { findInFolder } from './server-folder.ts';
import { SourceRefusedError } from './source-errors.ts';

/** A definition of the source, taken in as an upload; or why it could not be. */
export type FoundDefinition = {
  /** With the folders that it lies in. */
  name: string;
  upload?: UploadRecord;
  /** An earlier try unpacked it from this zip, and its file is gone: it is unpacked again only where it is needed. */
  known?: KnownMember;
  unpackedFrom?: { zip: string; member: string };
  fault?: { code: 'archive_rejected' | 'unreadable_document'; message: string };
};

export type Found = {
  definitions: FoundDefinition[];
  /** Entries of lists that came with the source. */
  listed: ListedDefinition[];
  warnings: string[];
};

export type Taking = Pick<
  JobContext,
  'jobId' | 'owner' | 'storage' | 'documents' | 'uploads' | 'deadlineMs' | 'publishRoots'
> & { earlier: EarlierMembers };

const maxDefinitionBytes = 20 * 2 ** 30;
const maxListBytes = 2 * 2 ** 20;
/** A list in a zip is told from a file that only lies there by its name. */
const listInZip = /^(?:list|definitions|services)\.(?:txt|csv|json)$/i;
/** What macOS adds to a zip. */
const isLitter = (name: string) => /(?:^|\/)(?:__MACOSX\/|\._)/.test(name);

/** Takes in what was sent. */
export async function findInFiles(
  files: UploadRecord[],
  taking: Taking,
  context: StepContext,
): Promise<Found> {
  const found: Found = { definitions: [], listed: [], warnings: [] };
  for (const file of files) {
    const kind = kindOf(file);
    if (kind === 'definition') found.definitions.push({ name: file.name, upload: file });
    if (kind === 'list') found.listed.push(...(await readList(file, taking)));
    if (kind === 'zip') await unpack(file, found, { taking, context });
  }
  return found;
}

/** Takes in what lies in a folder of this machine: it may change while the children wait. */
export async function findOnServer(
  folder: { folder: string; recursive: boolean },
  taking: Taking,
  context: StepContext,
): Promise<Found> {
  const { files, passedOver } = await findInFolder(folder, {
    roots: taking.publishRoots,
    signal: context.signal,
  });
  const definitions: FoundDefinition[] = [];
  for (const [at, { name, path }] of files.entries()) {
    await context.progress(at / files.length, `Reading ${name}`);
    definitions.push(await takeIn(name, async (use) => use(path), taking, context));
  }
  const warnings = passedOver.map((name) => `${name} is a link and was passed over.`);
  return { definitions, listed: [], warnings };
}

async function unpack(
  zip: UploadRecord,
  found: Found,
  { taking, context }: { taking: Taking; context: StepContext },
): Promise<void> {
  const { storage, documents, jobId } = taking;
  const { signal } = context;
  await storage.borrow(storageKeyOfUpload(zip.uploadId), async (file) => {
    const entries = (await documents.listZip(file, { signal })).filter(
      ({ name }) => !isLitter(name),
    );
    const wanted = entries.filter(({ name }) => /\.sd$/i.test(name) || listInZip.test(name));
    for (const [at, entry] of wanted.entries()) {
      const place = { zip: zip.uploadId, member: entry.name };
      const known = taking.earlier.find(place);
      if (known) {
        found.definitions.push(await takeAgain(known, taking));
        continue;
      }
      await context.progress(at / wanted.length, `Unpacking ${entry.name}`);
      const lend: Lend = (use) =>
        storage.scratch(`${scratch}/${jobId}-${context.attempt}-unpacked`, async (target) => {
          await documents.unpackZipMember(file, entry, target, { signal });
          return use(target);
        });
      if (listInZip.test(entry.name)) {
        if (entry.sizeBytes > maxListBytes)
          throw new SourceRefusedError(`${entry.name} is too large for a list.`);
        const text = await lend((path) => readText(path));
        found.listed.push(...parseListOf(entry.name, text));
      } else {
        const taken = await takeIn(entry.name, lend, taking, context, zip.uploadId);
        found.definitions.push({ ...taken, unpackedFrom: place });
      }
    }
  });
}

/** What an earlier try unpacked is still there while somebody holds it: a child that failed does. */
async function takeAgain(
  known: KnownMember,
  { jobId, deadlineMs, uploads }: Taking,
): Promise<FoundDefinition> {
  const { zip, member, uploadId } = known;
  const found = { name: member, unpackedFrom: { zip, member } };
  if (uploadId === undefined) return { ...found, known };
  await uploads.holdUntil(uploadId, jobId, deadlineMs);
  const upload = await uploads.find(uploadId);
  if (upload) return { ...found, upload };
  await uploads.letGo(uploadId, jobId);
  return { ...found, known };
}

/** One member that turned out to be needed. */
export async function unpackOne(
  { zip, member }: { zip: string; member: string },
  taking: Taking,
  context: StepContext,
): Promise<FoundDefinition> {
  const { storage, documents, jobId } = taking;
  const { signal } = context;
  return storage.borrow(storageKeyOfUpload(zip), async (file) => {
    const entry = (await documents.listZip(file, { signal })).find(({ name }) => name === member);
    if (!entry) throw new SourceRefusedError(`${member} is not in the archive any more.`);
    const lend: Lend = (use) =>
      storage.scratch(`${scratch}/${jobId}-${context.attempt}-unpacked`, async (target) => {
        await documents.unpackZipMember(file, entry, target, { signal });
        return use(target);
      });
    return takeIn(member, lend, taking, context, zip);
  });
}

type Lend = <T>(use: (path: string) => Promise<T>) => Promise<T>;

/** Ids come from job and name: what a killed attempt has taken in is there already. */
async function takeIn(
  name: string,
  lend: Lend,
  { jobId, owner, deadlineMs, ...deps }: Taking,
  { signal }: StepContext,
  of = '',
): Promise<FoundDefinition> {
  const uploadId = deriveId(`${of}/${name}`, jobId);
  await deps.uploads.holdUntil(uploadId, jobId, deadlineMs); // its children hold it from then on
  const known = await deps.uploads.find(uploadId);
  if (known) return { name, upload: known };
  try {
    const file = { uploadId, owner, name, maxBytes: maxDefinitionBytes };
    const upload = await lend((path) =>
      makeUpload(file, createReadStream(path), { ...deps, signal }),
    );
    return { name, upload };
  } catch (error) {
    await deps.uploads.letGo(uploadId, jobId);
    if (!(error instanceof DocumentError)) throw error;
    const code = error.code === 'archive_rejected' ? error.code : 'unreadable_document';
    return { name, fault: { code, message: `${name}: ${error.message}` } };
  }
}

async function readList(file: UploadRecord, { storage }: Taking): Promise<ListedDefinition[]> {
  if (file.sizeBytes > maxListBytes)
    throw new SourceRefusedError(`${file.name} is too large for a list.`);
  const text = await storage.findText(storageKeyOfUpload(file.uploadId));
  return parseListOf(file.name, text ?? '');
}

function parseListOf(name: string, text: string): ListedDefinition[] {
  try {
    return parseList(text, '#/inputs/source');
  } catch (error) {
    const faults = (error as { facts?: { errors?: { detail: string }[] } }).facts?.errors ?? [];
    throw new SourceRefusedError(
      `The list ${name} cannot be read: ${faults.map(({ detail }) => detail).join('; ')}.`,
      { cause: error },
    );
  }
}

async function readText(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
