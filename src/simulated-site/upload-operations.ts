import { extname } from 'node:path';
import { type Call, FileAnswer, type Operation, type ReceivedFile } from './operation.ts';
import { notFound, SiteRefusal } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';

/** @see Esri, "Uploads", "Upload Item", "Register Item", "Upload Part", "Commit Item" */
export function uploadOperations(site: SiteState): Operation[] {
  const operation = (
    name: string,
    path: string,
    handle: (call: Call) => unknown,
    more: Partial<Operation> = {},
  ): Operation => ({
    name,
    paths: [`/admin/uploads${path}`],
    face: 'admin',
    access: 'PUBLISH',
    handle,
    ...more,
  });
  const change = { methods: 'POST', changes: true } as const;
  return [
    operation('list-uploads', '', () => ({ items: site.uploads.list().map(({ item }) => item) })),
    operation('upload', '/upload', (call) => upload(site, call), { ...change, isPlainText: true }),
    operation('register-upload', '/register', (call) => register(site, call), change),
    operation('upload-item', '/:item', ({ names }) => site.uploads.get(names.item ?? '').item),
    operation('upload-part', '/:item/uploadPart', (call) => uploadPart(site, call), change),
    // The shape of this list is not verified.
    operation('upload-parts', '/:item/parts', ({ names }) => ({
      parts: [...site.uploads.get(names.item ?? '').parts.keys()].map((partID) => ({ partID })),
    })),
    operation('commit-upload', '/:item/commit', (call) => commit(site, call), change),
    operation('delete-upload', '/:item/delete', (call) => remove(site, call), change),
    operation('upload-member', '/:item/:member', (call) => member(site, call), { isFile: true }),
  ];
}

async function upload(site: SiteState, call: Call): Promise<object> {
  const file = fileOf(call, 'itemFile');
  checkExtension(site, file.fileName);
  if (site.faults.take('disk-full', 'upload')) {
    throw new SiteRefusal(500, 'There is not enough space on the disk.'); // text not verified
  }
  const stored = await site.uploads.keep(
    file,
    call.params.description ?? null,
    call.token?.username ?? '',
  );
  return { status: 'success', item: stored.item };
}

function fileOf({ files }: Call, field: string): ReceivedFile {
  const file = files.find((one) => one.field === field);
  if (!file) throw new SiteRefusal(400, `The parameter '${field}' is missing.`); // text not verified
  return file;
}

/** The text of this refusal is not verified. */
function checkExtension(site: SiteState, fileName: string): void {
  const extension = extname(fileName).slice(1).toLowerCase();
  if (site.uploadExtensions.includes(extension)) return;
  throw new SiteRefusal(500, `Files of type '${extension}' are not allowed to be uploaded.`);
}

async function register(site: SiteState, { params, token }: Call): Promise<object> {
  if (!params.itemName) throw new SiteRefusal(400, "The parameter 'itemName' is missing.");
  checkExtension(site, params.itemName);
  const owner = token?.username ?? '';
  const stored = await site.uploads.register(params.itemName, params.description ?? null, owner);
  return { status: 'success', item: stored.item };
}

async function uploadPart(site: SiteState, call: Call): Promise<object> {
  const stored = site.uploads.get(call.names.item ?? '');
  const file = fileOf(call, 'partFile');
  const partNumber = Number(call.params.partNumber);
  if (!Number.isInteger(partNumber)) throw new SiteRefusal(400, "'partNumber' is not a number.");
  await site.uploads.keepPart(stored, partNumber, file.path);
  return { status: 'success' };
}

/** How parts are named in `parts` is not verified: numbers are taken, and names that end in one. */
async function commit(site: SiteState, { names, params }: Call): Promise<object> {
  const stored = site.uploads.get(names.item ?? '');
  const named = [...(params.parts ?? '').matchAll(/(\d+)"?\s*(?:,|$)/g)].map((one) =>
    Number(one[1]),
  );
  const natural = [...stored.parts.keys()].sort((a, b) => a - b);
  await site.uploads.commit(stored, named.length > 0 ? named : natural);
  return { status: 'success' };
}

async function remove(site: SiteState, { names, token }: Call): Promise<object> {
  const { item, owner } = site.uploads.get(names.item ?? '');
  const detail = `${item.itemID} (${item.description ?? 'no description'})`;
  if (owner !== token?.username) site.violations.record('foreign-upload-deleted', detail);
  const isUsed = site.siteJobs
    .unfinished()
    .some((job) => Object.values(job.inputs).includes(item.itemID));
  if (isUsed) site.violations.record('upload-in-use-deleted', detail);
  await site.uploads.remove(item.itemID);
  return { status: 'success' };
}

/** A file inside an uploaded definition; its failures are not verified. */
async function member(site: SiteState, { names }: Call): Promise<FileAnswer> {
  const stored = site.uploads.get(names.item ?? '');
  const name = names.member ?? '';
  try {
    const bytes = await site.reader.readMember(stored.file, name);
    const isJson = name.endsWith('.json');
    return new FileAnswer(isJson ? 'application/json' : 'text/xml', bytes);
  } catch {
    throw notFound(name);
  }
}
