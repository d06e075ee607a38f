import { adoptArtifact } from '../../jobs/artifact-uploads.ts';
import { type FileLink, linkToUpload } from '../../jobs/file-link.ts';
import { type JobType, sitesOf } from '../../jobs/job-type.ts';
import { fileLinksOf } from '../../jobs/upload-inputs.ts';
import type { UploadRecord } from '../../jobs/upload-records.ts';
import { RequestError } from '../../lib/errors.ts';
import { toPointer } from '../../lib/json-pointer.ts';
import { type Caller, hasScope, reachesSite } from '../caller.ts';
import type { HttpDeps } from '../http-deps.ts';
import { lacksScope } from '../plugins/authentication.ts';

type Deps = Pick<HttpDeps, 'siteConfigs' | 'uploads' | 'storage' | 'documents'>;

/** A file that is not known yet, so that the other inputs can be judged before it comes. */
const someFile = linkToUpload('00000000-0000-0000-0000-000000000000');

/** What a caller needs at the least, whatever the inputs will be. */
export function leastScopesOf(jobType: JobType): string[] {
  return scopesOf(jobType, {});
}

/** With inputs that are not whole, the scopes of the example stand for the least. */
function scopesOf(jobType: JobType, inputs: Record<string, unknown>): string[] {
  const isFilled = jobType.fileInputs.every((name) => name in inputs);
  const filled = isFilled
    ? inputs
    : { ...Object.fromEntries(jobType.fileInputs.map((name) => [name, someFile])), ...inputs };
  return jobType.scopes(jobType.tryParse(filled) ?? jobType.example);
}

/**
 * What can be refused before everything is known: a site that is not there or out of reach, a scope
 * that is lacking.
 *
 * @throws RequestError unknown_site, forbidden or insufficient_scope
 */
export function checkWhatIsKnown(
  jobType: JobType,
  inputs: Record<string, unknown>,
  { caller, deps }: { caller: Caller; deps: Pick<Deps, 'siteConfigs'> },
): void {
  checkScopes(caller, scopesOf(jobType, inputs));
  checkSites(jobType, inputs, { caller, deps });
}

/** @throws RequestError insufficient_scope naming the scopes that are lacking */
export function checkScopes(caller: Caller, needed: string[]): void {
  const lacking = needed.filter((scope) => !hasScope(caller, scope));
  if (lacking.length > 0) throw lacksScope(lacking);
}

/**
 * Every site that is named, so that a request for many is mended in one go.
 *
 * @throws RequestError unknown_site or forbidden
 */
export function checkSites(
  jobType: JobType,
  inputs: Record<string, unknown>,
  { caller, deps }: { caller: Caller; deps: Pick<Deps, 'siteConfigs'> },
): void {
  const named = sitesOf(jobType, inputs);
  const configs = deps.siteConfigs();
  if (named.every((site) => Object.hasOwn(configs, site) && reachesSite(caller, site))) return;
  const pointerOf = (at: number) =>
    toPointer(typeof inputs.site === 'string' ? ['inputs', 'site'] : ['inputs', 'sites', at]);
  const names = Object.keys(configs);
  const faultsOf = (isFault: (site: string) => boolean, code: string, detail: string) =>
    named.flatMap((site, at) =>
      isFault(site) ? [{ site, fault: { pointer: pointerOf(at), code, detail } }] : [],
    );
  const visible = names.filter((name) => reachesSite(caller, name));
  const hint = visible.length > 0 ? `configured: ${visible.join(', ')}` : 'no site is configured';
  const unknown = faultsOf((site) => !names.includes(site), 'unknown_site', hint);
  if (unknown.length > 0) {
    const quoted = unknown.map(({ site }) => JSON.stringify(site)).join(', ');
    throw new RequestError('unknown_site', `There is no site ${quoted}; ${hint}.`, {
      errors: unknown.map(({ fault }) => fault),
    });
  }
  const beyond = faultsOf(
    (site) => !reachesSite(caller, site),
    'forbidden',
    'the API key does not reach it',
  );
  if (beyond.length === 0) return;
  const quoted = beyond.map(({ site }) => site).join(', ');
  throw new RequestError('forbidden', `The API key does not reach the site ${quoted}.`, {
    errors: beyond.map(({ fault }) => fault),
  });
}

/**
 * The uploads that the inputs link to, by input and all of them, and the inputs with each link in the one form that is
 * kept. A file that a job made becomes an upload of its own, told to `adopted` as soon as it is there.
 *
 * @throws RequestError validation_error for what is no link, or a file that is not the caller's
 */
export async function resolveFiles(
  jobType: JobType,
  params: Record<string, unknown>,
  {
    caller,
    root,
    deps,
    adopted,
  }: {
    caller: Caller;
    root: string;
    deps: Pick<Deps, 'uploads' | 'storage' | 'documents'>;
    adopted: UploadRecord[];
  },
): Promise<{
  params: Record<string, unknown>;
  uploads: Record<string, UploadRecord>;
  all: UploadRecord[];
}> {
  const uploads: Record<string, UploadRecord> = {};
  const all: UploadRecord[] = [];
  const links: Record<string, unknown> = {};
  let isKeptForm = true;
  for (const { input, at, pointer, kind, id } of fileLinksOf(jobType, params, [root])) {
    const upload =
      kind === 'upload' ? await deps.uploads.recall(id) : await adoptArtifact(id, caller.id, deps);
    if (!upload || upload.owner !== caller.id) throw notThere(kind, id, pointer);
    if (kind === 'artifact') adopted.push(upload);
    all.push(upload);
    const link = linkToUpload(upload.uploadId);
    isKeptForm &&= at === undefined && isSameLink(params[input], link);
    if (at === undefined) {
      uploads[input] = upload;
      links[input] = link;
    } else {
      links[input] = ((links[input] ?? params[input]) as unknown[]).with(at, link);
    }
  }
  return { params: isKeptForm ? params : { ...params, ...links }, uploads, all };
}

function isSameLink(sent: unknown, { href }: FileLink): boolean {
  const link = sent as FileLink;
  return link.href === href && link.type === undefined;
}

function notThere(kind: 'upload' | 'artifact', id: string, pointer: string): RequestError {
  const detail = kind === 'upload' ? `no upload ${id}` : `no artifact ${id}`;
  return new RequestError('validation_error', `An input links to an ${kind} that is not there.`, {
    errors: [{ pointer: `${pointer}/href`, code: `${kind}_not_found`, detail }],
  });
}
