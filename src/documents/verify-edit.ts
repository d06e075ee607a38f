import { isDeepStrictEqual } from 'node:util';
import type { ArchiveLimits } from './archive-limits.ts';
import { isJson, toUriKey } from './cim-node.ts';
import type { CimStore } from './cim-store.ts';
import { describeMaps } from './describe-map.ts';
import type { EditSession } from './edit-session.ts';
import { type MapFile, openMapFile } from './map-file.ts';
import { openProjectFile, type ProjectFile } from './project-file.ts';
import type { ZipChanges } from './zip-copy.ts';

/** What was written is not what was planned: a fault of ours, so the file is not given out. */
function fail(what: string): never {
  throw new Error(`The written document is not what was planned: ${what}`);
}

/** Reads a written map or layer file again; definitions that were not meant to change have to stand as they stood. */
export function checkMapFile(written: Buffer, file: MapFile): void {
  const again = openMapFile(written, 'The written document');
  checkPlan(again, file);
  for (const [key, { node }] of file.definitions) {
    if (isJson(node) && !node.isChanged && node.source === file.root.source) {
      if (again.definitions.get(key)?.node.literal !== node.literal) fail(`${key} changed`);
    }
  }
}

/** Reads a written project again; members that were not meant to change have to be packed as they were. */
export async function checkProjectFile(
  target: string,
  {
    project,
    session,
    changes,
    limits,
  }: {
    project: ProjectFile;
    session: EditSession;
    changes: ZipChanges;
    limits: ArchiveLimits;
  },
): Promise<void> {
  const again = await openProjectFile(target, limits);
  try {
    checkPlan(again, project);
    const written = new Map(again.zip.members.map((member) => [member.name, member]));
    for (const member of project.zip.members) {
      const found = written.get(member.name);
      if (changes.removed.has(member.name)) {
        if (found) fail(`${member.name} is still there`);
        continue;
      }
      if (!found) fail(`${member.name} is gone`);
      if (changes.contents.has(member.name)) continue;
      const isSame =
        found.crc === member.crc &&
        found.packedBytes === member.packedBytes &&
        found.flags === member.flags &&
        found.recordBytes === member.recordBytes;
      if (!isSame) fail(`${member.name} changed`);
    }
    for (const key of session.removed)
      if (again.definitions.has(key)) fail(`${key} is still there`);
  } finally {
    await again.zip.handle.close();
  }
}

/** The same maps, layers, sources and expressions as planned, told by reading both in the same way. */
function checkPlan(written: CimStore, planned: CimStore): void {
  const [found, wanted] = [written, planned].map((store) =>
    describeMaps(store, { digests: 'without' }),
  );
  if (!isDeepStrictEqual(found?.maps, wanted?.maps)) fail('maps or layers differ');
  const keys = [...planned.definitions.values()].map(({ uri }) => toUriKey(uri)).sort();
  const again = [...written.definitions.values()].map(({ uri }) => toUriKey(uri)).sort();
  if (!isDeepStrictEqual(again, keys)) fail('the definitions differ');
}
