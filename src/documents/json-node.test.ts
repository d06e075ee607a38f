import { describe, expect, test } from 'vitest';
import { toProText } from '../../test/support/map-files.ts';
import { parseJsonNode } from './json-node.ts';

const text = `\uFEFF{
  "type" : "CIMMap",
  "Name" : "A \\u003c \\"B\\" \\/ \\ud83d\\ude00",
  "digits" : [ 0.40000000000000002, 1E-7, -0, 12345678901234567890 ],
  "nothing" : null, "yes":true,

  "inner" : { "a" : {}, "list" : [ "x", { "type" : "CIMB" } ] }
}\r\n`;
const parse = (source: string) => parseJsonNode(source, 'roads.mapx');

test('what is not changed is written letter by letter', () => {
  expect(parse(text).writeDocument()).toBe(text);
});

test('members are found without case, and read', () => {
  const root = parse(text);
  expect(root.className).toBe('CIMMap');
  expect(root.text('name')).toBe('A < "B" / 😀');
  expect([root.text('NOTHING'), root.text('yes'), root.text('missing')]).toEqual(['', 'true', '']);
  expect(
    root
      .child('inner')
      ?.items('list')
      .map((each) => each.className || each.text()),
  ).toEqual([...['x', 'CIMB']]);
  expect(root.child('digits')?.children[0]?.literal).toBe('0.40000000000000002');
});

test('a text that is set changes its own letters only', () => {
  const root = parse(text);
  root.setText('name', 'C <"');
  root.child('inner')?.items('list')[0]?.setOwnText('y');
  expect(root.writeDocument()).toBe(
    text.replace(/"A .*00"/, '"C \\u003c\\""').replace('"x"', '"y"'),
  );
  expect(root.text('name')).toBe('C <"');
});

describe.each([
  ['with two blanks', toProText],
  ['in one line', (value: unknown) => JSON.stringify(value)],
  [
    'with tabs and CRLF',
    (value: unknown) => JSON.stringify(value, null, '\t').replaceAll('\n', '\r\n'),
  ],
])('a text %s', (_what, write) => {
  const document = {
    type: 'A',
    list: ['a', 'b', 'c'],
    object: { type: 'B', deep: { x: 1 } },
    last: true,
  };

  test('takes members and items in its own layout', () => {
    const root = parse(write(document));
    root.setText('added', 'z', { after: 'type' });
    const list = root.child('list');
    list?.insert(1, list.createText('between'));
    root.child('object')?.child('deep')?.setLiteral('y', '2');
    expect(root.writeDocument()).toBe(
      write({
        ...{ type: 'A', added: 'z', list: ['a', 'between', 'b', 'c'] },
        ...{ object: { type: 'B', deep: { x: 1, y: 2 } }, last: true },
      }),
    );
  });

  test('loses members and items, also the last ones', () => {
    const root = parse(write(document));
    for (const item of root.items('list')) root.child('list')?.removeChild(item);
    root.remove('last');
    root.child('object')?.remove('deep');
    expect(JSON.parse(root.writeDocument())).toEqual({
      type: 'A',
      list: [],
      object: { type: 'B' },
    });
  });

  test('takes an object of a text in another layout', () => {
    const other = parse(toProText({ type: 'Other', digits: [1, { a: 'b' }] }));
    other.child('digits')?.children[1]?.setText('a', 'c');
    const root = parse(write(document));
    root.child('list')?.insert(3, other);
    const changed = {
      ...document,
      list: ['a', 'b', 'c', { type: 'Other', digits: [1, { a: 'c' }] }],
    };
    expect(root.writeDocument()).toBe(write(changed));
  });
});

test.for([
  ['a list where a text should stand', { name: ['x'] }],
  ['an object where a text should stand', { name: { a: 1 } }],
] as const)('%s is not overwritten', ([, value]) => {
  const root = parse(JSON.stringify(value));
  expect(() => root.setText('name', 'y')).toThrow(
    expect.objectContaining({ code: 'edit_refused', message: expect.stringContaining('name') }),
  );
});

describe('hostile texts are refused plainly and fast', () => {
  test.for([
    ['deep lists', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['deep objects', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
    ['no end', '{"a": "secret-word'],
    ['a second value', '{"a": "secret-word"} {}'],
    ['nothing', ' '],
  ])('%s', ([, hostile]) => {
    const began = performance.now();
    expect(() => parse(hostile ?? '')).toThrow(
      expect.objectContaining({
        code: 'unreadable_document',
        message: expect.not.stringContaining('secret-word'),
      }),
    );
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  test('a member called __proto__ is a member like any other', () => {
    const root = parse('{"__proto__":{"type":"X"},"type":"A"}');
    expect(root.className).toBe('A');
    root.setText('type', 'B');
    expect(root.writeDocument()).toBe('{"__proto__":{"type":"X"},"type":"B"}');
  });
});
