import { cpus, totalmem } from 'node:os';
import { measureAccepting } from './accepting.ts';
import { measureDocuments } from './documents.ts';
import { measureFiles } from './files.ts';
import { measureFolder, measureKilledRelease, measureRelease } from './folder.ts';
import { measureListeners } from './listeners.ts';
import { measureLists } from './lists.ts';
import { measurePublishing } from './publishing.ts';
import type { Figure } from './support.ts';

const sections: Record<string, () => Promise<Figure[]>> = {
  accepting: measureAccepting,
  publishing: measurePublishing,
  files: measureFiles,
  lists: () => measureLists([100, 10_000]),
  'million-jobs': () => measureLists([1_000_000]),
  listeners: measureListeners,
  documents: measureDocuments,
  folder: measureFolder,
  release: measureRelease,
  'killed-release': measureKilledRelease,
};
const usual = ['accepting', 'publishing', 'files', 'lists', 'listeners', 'documents'];

/** `npm run bench [-- section …]`: figures, each beside its baseline of the same run. Build first. */
const wanted = process.argv.slice(2);
console.log(
  `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
);
console.log('| What | Figure | Baseline | Ratio |');
console.log('| --- | --- | --- | --- |');
for (const name of wanted.length > 0 ? wanted : usual) {
  const measure = sections[name];
  if (!measure)
    throw new RangeError(`There is no section "${name}": ${Object.keys(sections).join(', ')}`);
  for (const { what, value, unit, baseline, ratio } of await measure()) {
    const shown = (figure: number | undefined, ending = '') =>
      figure === undefined ? '' : `${figure.toPrecision(3)}${ending}`;
    console.log(
      `| ${what} | ${shown(value, ` ${unit}`)} | ${shown(baseline, ` ${unit}`)} | ${shown(ratio)} |`,
    );
  }
}
