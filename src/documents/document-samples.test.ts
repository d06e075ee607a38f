import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect } from 'vitest';
import { inspect, test } from '../../test/support/document-folder.ts';
import { hasSamples, samples } from '../../test/support/samples.ts';
import { defaultArchiveLimits } from './archive-limits.ts';
import { compareContents } from './compare-contents.ts';
import { DocumentContent, type MapContent } from './document-content.ts';
import { DraftEdits } from './draft-edits.ts';
import { openDraft } from './draft-file.ts';
import { editDraftFile } from './edit-draft-file.ts';
import { findMapFaults } from './find-map-faults.ts';
import { openMapFile } from './map-file.ts';
import { openProjectFile } from './project-file.ts';
import { copyZip } from './zip-copy.ts';
import { readZipMember } from './zip-file.ts';

const limits = defaultArchiveLimits;
const all = hasSamples
  ? readdirSync(samples, { recursive: true, withFileTypes: true })
      .filter(({ name }) => /\.(?:sd|sddraft|aprx|mapx|lyrx|sde|ags|mxd|mpk|lpkx)$/i.test(name))
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
  : [];
const those = (ending: RegExp) => all.filter((path) => ending.test(path));
const name = (path: string) => basename(path);

/** Of two texts that differ in one place: what stands there. */
function difference(before: string, after: string): [before: string, after: string] {
  let from = 0;
  while (from < before.length && before[from] === after[from]) from += 1;
  let end = 0;
  const most = Math.min(before.length, after.length) - from;
  while (end < most && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return [before.slice(from, before.length - end), after.slice(from, after.length - end)];
}

describe.skipIf(!hasSamples)('real documents (skipped: no folder of samples)', () => {
  test.for(all.map((path) => [name(path), path] as const))(
    '%s is inspected, without a word of its passwords',
    async ([, path]) => {
      const content = await inspect(path, 'C:\\somewhere');
      expect(DocumentContent.parse(content)).toEqual(content);
      expect(JSON.stringify(content)).not.toMatch(/00022e68|ENCRYPTED_PASSWORD[^"]{0,8}=[0-9a-f]/i);
      if ('maps' in content) findMapFaults(content, { extensions: ['FeatureServer', 'WMSServer'] });
    },
  );

  test.for(those(/\.(?:mapx|lyrx|sddraft)$/).map((path) => [name(path), path] as const))(
    '%s is written as it was',
    async ([, path]) => {
      const bytes = await readFile(path);
      const root = path.endsWith('.sddraft') ? openDraft(bytes, 'x') : openMapFile(bytes, 'x').root;
      expect(Buffer.from(root.writeDocument()).equals(bytes)).toBe(true);
    },
  );

  test.for(those(/\.aprx$/).map((path) => [name(path), path] as const))(
    '%s is copied byte for byte, and its members are written as they were',
    async ([, path], { folder }) => {
      const project = await openProjectFile(path, limits);
      const target = folder.newPath();
      await copyZip(project.zip, target, { contents: new Map(), removed: new Set() });
      expect((await readFile(target)).equals(await readFile(path))).toBe(true);
      for (const [key, { node }] of project.definitions) {
        const member = project.zip.members.find((each) => each.name === project.memberOf.get(key));
        const bytes = member && (await readZipMember(project.zip, member));
        expect(bytes?.equals(Buffer.from(node.writeDocument()))).toBe(true);
      }
      await project.zip.handle.close();
    },
  );

  test.for(those(/\.(?:mapx|lyrx|aprx)$/).map((path) => [name(path), path] as const))(
    '%s: one layer gets another name, and nothing else changes',
    async ([, path], { folder }) => {
      const before = (await inspect(path)) as MapContent;
      const layer = before.maps.flatMap(({ layers }) => layers).find(({ uri }) => uri !== '');
      if (!layer) return; // an empty project
      const wish = { layer: layer.uri, name: 'Umbenannt 2 & "mehr"' };
      const { bytes, content } = await folder.edit(await readFile(path), { renameLayers: [wish] });
      const found = compareContents(before, content) ?? [];
      expect(new Set(found.map(({ what }) => what).filter((what) => what !== 'place'))).toEqual(
        new Set(['name']),
      );
      if (path.endsWith('.aprx')) return; // its other members are held against the old ones when it is written
      const [one, other] = difference((await readFile(path)).toString(), bytes.toString());
      expect(one.length).toBeLessThanOrEqual(layer.name.length);
      expect(JSON.stringify(wish.name)).toContain(other);
    },
  );

  test.for(those(/\.(?:mapx|lyrx|aprx)$/).map((path) => [name(path), path] as const))(
    '%s: all sources are pointed elsewhere, and are read again there',
    async ([, path], { folder }) => {
      const before = (await inspect(path)) as MapContent;
      const sources = before.maps.flatMap(({ layers, tables }) =>
        [...layers, ...tables].flatMap(({ connections }) => connections),
      );
      const isFile = (kind: string) => ['filegdb', 'shapefile', 'raster'].includes(kind);
      const kinds = [
        ...new Set(sources.filter(({ path: place }) => place).map(({ kind }) => kind)),
      ];
      const changeable = kinds.filter(isFile);
      if (changeable.length === 0) return;
      const { content, changes } = await folder.edit(await readFile(path), {
        changeSources: changeable.map((kind) => ({
          from: { kind },
          to: { path: '\\\\prod\\gis\\x' },
        })),
      });
      const places = content.maps.flatMap(({ layers, tables }) =>
        [...layers, ...tables].flatMap(({ connections }) =>
          connections.filter(({ kind }) => isFile(kind)).map(({ path: place }) => place),
        ),
      );
      expect(new Set(places)).toEqual(new Set(['\\\\prod\\gis\\x']));
      expect(changes.length).toBeGreaterThanOrEqual(places.length > 0 ? 1 : 0);
    },
  );

  test.for(those(/\.(?:sd|sddraft)$/).map((path) => [name(path), path] as const))(
    '%s: the service gets another name, and nothing else changes',
    async ([, path], { folder }) => {
      const before = await inspect(path);
      const target = folder.newPath();
      const edits = DraftEdits.parse({ serviceName: 'Umbenannt', replace: true });
      const deadline = Date.now() + 30_000;
      const { changes } = await editDraftFile(
        { source: path, target, edits },
        { limits, deadline },
      );
      expect(changes.length).toBeGreaterThanOrEqual(2);
      const found = compareContents(before, await inspect(target)) ?? [];
      expect(found.map(({ what }) => what).sort()).toEqual(
        found.length === 1 ? ['serviceName'] : ['publishType', 'serviceName'],
      );
    },
  );
});
