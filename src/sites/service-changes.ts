import { z } from 'zod';
import { type JsonObject, lenient, TextLike } from './answer-shapes.ts';
import {
  type ServiceTarget,
  toAdminPath,
  toFolder,
  toFolderPath,
  toText,
} from './service-target.ts';
import { findFolder, listServices } from './services.ts';
import type { CallOptions } from './site-client.ts';
import { isNotFound, isRefusal } from './site-errors.ts';
import type { Site } from './sites.ts';

/** A site blocks until it is done; other tools wait as long as this. */
const longChangeMs = 600_000;

/** What a site adds to its yes: one operator saw `"status":"warning"` from start and stop. */
export type Done = { warnings: string[] };

const DoneAnswer = z.looseObject({ status: TextLike, messages: lenient(z.array(z.string())) });

type Operation = { to: string; params?: Record<string, string>; signal: AbortSignal | undefined };

async function changeService(
  site: Site,
  path: readonly string[],
  operation: Operation,
): Promise<Done> {
  const call = {
    ...operation,
    timeoutMs: Math.max(longChangeMs, site.config.timeoutSeconds * 1000),
  };
  const json = await site.client.change('admin', path, call);
  const { data: answer } = DoneAnswer.safeParse(json);
  return { warnings: answer?.status === 'warning' ? (answer.messages ?? []) : [] };
}

/** Success means that the site accepted it: look at the state for whether it runs. */
export function startService(
  site: Site,
  target: ServiceTarget,
  { signal }: CallOptions = {},
): Promise<Done> {
  const path = [...toAdminPath(target), 'start'];
  return changeService(site, path, { to: `start ${toText(target)}`, signal });
}

export function stopService(
  site: Site,
  target: ServiceTarget,
  { signal }: CallOptions = {},
): Promise<Done> {
  const path = [...toAdminPath(target), 'stop'];
  return changeService(site, path, { to: `stop ${toText(target)}`, signal });
}

/** Done also when there is nothing to delete. On a federated site its portal items go too. */
export async function deleteService(
  site: Site,
  target: ServiceTarget,
  { signal }: CallOptions = {},
): Promise<Done> {
  const path = [...toAdminPath(target), 'delete'];
  try {
    return await changeService(site, path, { to: `delete ${toText(target)}`, signal });
  } catch (error) {
    if (isNotFound(error)) return { warnings: [] };
    throw error;
  }
}

/**
 * Replaces the description of a service and restarts it. `json` is the whole of `readService` with changes: a
 * key that is missing is lost.
 *
 * @see Esri, "Edit Service"
 */
export function editService(
  site: Site,
  target: ServiceTarget,
  json: JsonObject,
  { signal }: CallOptions = {},
): Promise<Done> {
  const params = { service: JSON.stringify(json) };
  const path = [...toAdminPath(target), 'edit'];
  return changeService(site, path, { to: `edit ${toText(target)}`, params, signal });
}

/**
 * Makes a service of data that the site can reach already. Not enough for a map or a tool: their files come with a
 * definition.
 *
 * @see Esri, "Create Service"
 */
export function createService(
  site: Site,
  target: ServiceTarget,
  json: JsonObject,
  { signal }: CallOptions = {},
): Promise<Done> {
  const params = { service: JSON.stringify(json) };
  const path = [...toFolderPath(target.folder), 'createService'];
  return changeService(site, path, { to: `create ${toText(target)}`, params, signal });
}

/** `name` is how the site writes it. What a site says to a folder that exists is not verified, so we look. */
export async function createFolder(
  site: Site,
  folder: string,
  { description = '', ...options }: CallOptions & { description?: string } = {},
): Promise<{ kind: 'created' | 'existed'; name: string }> {
  const folderName = toFolder(folder);
  const existing = await findFolder(site, folderName, options);
  if (existing !== undefined) return { kind: 'existed', name: existing };
  try {
    await changeService(site, ['services', 'createFolder'], {
      to: `create the folder ${folderName}`,
      params: { folderName, description },
      signal: options.signal,
    });
    return { kind: 'created', name: folderName };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const name = await findFolder(site, folderName, options); // somebody else was faster
    if (name === undefined) throw error;
    return { kind: 'existed', name };
  }
}

/** Deletes a folder that a fresh listing shows empty: the site itself would delete every service in it. */
export async function deleteFolder(
  site: Site,
  folder: string,
  options: CallOptions & { beforeChange?: () => Promise<void> } = {},
): Promise<{ kind: 'deleted' | 'absent' } | { kind: 'not-empty'; services: ServiceTarget[] }> {
  const name = await findFolder(site, folder, options);
  if (name === undefined || name === '') return { kind: 'absent' };
  const services = await listServices(site, name, options);
  if (services.length > 0) return { kind: 'not-empty', services };
  const { signal, beforeChange } = options;
  await beforeChange?.();
  const path = [...toFolderPath(name), 'deleteFolder'];
  await changeService(site, path, { to: `delete the folder ${name}`, signal });
  return { kind: 'deleted' };
}
