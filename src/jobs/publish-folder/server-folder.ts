import { lstat, opendir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { maxDefinitions } from './schema.ts';
import { FolderNotAllowedError, SourceRefusedError } from './source-errors.ts';

export type FoundFile = { name: string; path: string };

const isDefinition = (name: string) => /\.sd$/i.test(name);
const isInside = (path: string, folder: string) => path === folder || path.startsWith(folder + sep);

/**
 * The definitions in a folder, by their names below it. Links are resolved before anything is read: what leads out of
 * the allowed folders does not exist for us, and links within are not followed.
 *
 * @throws FolderNotAllowedError, SourceRefusedError
 */
export async function findInFolder(
  { folder, recursive }: { folder: string; recursive: boolean },
  { roots, signal }: { roots: readonly string[]; signal: AbortSignal },
): Promise<{ files: FoundFile[]; passedOver: string[] }> {
  const allowed = await Promise.all(roots.map((root) => realpath(root).catch(() => undefined)));
  const place = await realpath(folder).catch(() => undefined);
  // The same words for what is not there and what is not allowed: nobody may ask what else the machine has.
  if (!place || !allowed.some((root) => root !== undefined && isInside(place, root))) {
    throw new FolderNotAllowedError(
      `The folder ${folder} is not there, or not below a folder that the worker may publish from (publishRoots).`,
    );
  }
  if (!(await lstat(place)).isDirectory())
    throw new SourceRefusedError(`${folder} is not a folder.`);
  const files: FoundFile[] = [];
  const passedOver: string[] = [];
  const waiting = [place];
  for (let here = waiting.pop(); here !== undefined; here = waiting.pop()) {
    for await (const entry of await opendir(here)) {
      signal.throwIfAborted();
      const path = join(here, entry.name);
      const name = relative(place, path).split(sep).join('/');
      if (entry.isSymbolicLink()) passedOver.push(name);
      else if (entry.isDirectory() && recursive) waiting.push(path);
      else if (entry.isFile() && isDefinition(entry.name)) files.push({ name, path });
      if (files.length > maxDefinitions) {
        const message = `${folder} holds more than ${maxDefinitions} definitions.`;
        throw new SourceRefusedError(message);
      }
    }
  }
  return { files, passedOver };
}
