import { expect, test } from 'vitest';
import { z } from 'zod';
import { FileName, textOfMarks } from './portable-patterns.ts';

const Name = textOfMarks((mark) => `^${mark}{1,10}$`, 'a name');
const shown = new RegExp(String(z.toJSONSchema(Name.describe('A name').optional()).pattern), 'u');

test.for(['Roads', 'Roads_2025', '_', 'Straßen', '道路', 'ªµºþ²', '𠮷'])(
  'a name is made of letters, digits and underscores of any language: %s',
  (name) => {
    expect(Name.safeParse(name).success).toBe(true);
    expect(shown.test(name)).toBe(true);
  },
);

test.for(['', 'a b', 'a-b', 'a.b', 'a/b', 'a\\b', 'a[b', 'a`b', 'a{b', 'a\nb', 'a\u0085b'])(
  'no name, and callers can see it: %j',
  (name) => {
    expect(Name.safeParse(name).success).toBe(false);
    expect(shown.test(name)).toBe(false);
  },
);

test('what only a table of letters can tell is judged when it comes', () => {
  expect(Name.safeParse('Roads–2025').success).toBe(false);
  expect(shown.test('Roads–2025')).toBe(true);
});

test.for(['map.aprx', 'Straßen und Wege.sd'])('a file may be called %s', (name) => {
  expect(FileName.safeParse(name).success).toBe(true);
});

test.for(['', 'a/b', 'a\\b', 'a:b', 'a\u0007b', 'a\u007fb', 'a\u009fb', 'x'.repeat(201)])(
  'no file may be called %j',
  (name) => {
    expect(FileName.safeParse(name).success).toBe(false);
  },
);
