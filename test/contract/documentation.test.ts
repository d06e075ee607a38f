import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const decisions = join(root, 'docs', 'decisions');

async function findPages(): Promise<string[]> {
  const folders = ['docs', 'src/jobs'];
  const within = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(join(root, folder), { recursive: true });
      return names.filter((name) => name.endsWith('.md')).map((name) => join(root, folder, name));
    }),
  );
  return [
    ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].map((it) => join(root, it)),
    ...within.flat(),
  ];
}

/** As GitHub makes them of a heading. */
function toAnchor(heading: string): string {
  const words = heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '');
  return words.trim().replaceAll(' ', '-');
}

async function readAnchors(page: string): Promise<string[]> {
  const text = await readFile(page, 'utf8');
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => toAnchor(heading));
}

async function leadsSomewhere(page: string, link: string): Promise<boolean> {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  const isThere = await stat(target).then(
    () => true,
    () => false,
  );
  return isThere && (anchor === undefined || (await readAnchors(target)).includes(anchor));
}

test('every link between our pages leads somewhere', async () => {
  const pages = await findPages();
  const dead: string[] = [];
  let followed = 0;
  for (const page of pages) {
    const links = (await readFile(page, 'utf8')).matchAll(/\]\((?!https?:)([^)\s]+)\)/g);
    for (const [, link = ''] of links) {
      followed += 1;
      if (!(await leadsSomewhere(page, link))) dead.push(`${relative(root, page)}: ${link}`);
    }
  }
  expect(dead).toEqual([]);
  expect(followed).toBeGreaterThan(50);
});

test('decisions are numbered one by one, and listed under their own titles', async () => {
  const names = (await readdir(decisions)).filter((name) => name !== 'README.md').sort();
  const lines = await Promise.all(
    names.map(async (name, at) => {
      const text = await readFile(join(decisions, name), 'utf8');
      const [, number, title] = /^# (\d+)\. (.+)$/m.exec(text) ?? [];
      expect([name.slice(0, 4), number]).toEqual([String(at + 1).padStart(4, '0'), `${at + 1}`]);
      return `${number}. [${title}](${name})`;
    }),
  );
  const list = await readFile(join(decisions, 'README.md'), 'utf8');
  expect(list.split('\n').filter((line) => /^\d/.test(line))).toEqual(lines);
});
