import type { CimNode } from './cim-node.ts';
import { parsePairs, withPairs } from './connection-pairs.ts';
import { kindOf, pathOf } from './describe-connection.ts';
import { findConnections } from './found-connections.ts';
import { isRelativePath, relativePath, resolvePath, toComparable } from './windows-path.ts';

/**
 * Relative paths are relative to the folder of the file they stand in, so they change when a layer moves from one
 * file to another. That folder stands in no file: without it they stay, and it is said so.
 *
 * @returns what people should know
 */
export function rebaseSources(
  definitions: readonly CimNode[],
  {
    folder,
    layerFileFolder,
  }: { folder?: string | undefined; layerFileFolder?: string | undefined },
): string[] {
  const notes = new Set<string>();
  for (const definition of definitions) {
    for (const { node, commit } of findConnections(definition)) {
      const text = node.text('workspaceConnectionString');
      const path = pathOf(text);
      if (kindOf(node) === 'sde' || path === '' || text.startsWith('<') || !isRelativePath(path))
        continue;
      if (folder === undefined || layerFileFolder === undefined) {
        notes.add(
          `${definition.text('name')}: the relative path ${path} of the layer file is now relative to the document. Give folder and layerFileFolder to have it rewritten`,
        );
        continue;
      }
      if (toComparable(folder) === toComparable(layerFileFolder)) continue;
      const place = resolvePath(layerFileFolder, path);
      if (place === undefined) continue;
      const rebased = relativePath(folder, place) ?? place;
      const isPair = parsePairs(text).some(({ key }) => key === 'DATABASE');
      node.setText(
        'workspaceConnectionString',
        isPair ? withPairs(text, { DATABASE: rebased }) : rebased,
      );
      commit();
    }
  }
  return [...notes];
}
