import { describe, expect, test } from 'vitest';
import { decodeXml, parseXmlNode } from './xml-node.ts';

const text = `<?xml version="1.0"?>
<!-- a note -->
<Root xsi:type='typens:CIMMap' xmlns:xsi='x' xmlns:xs="y"><Name>A &amp; &quot;B&#x1F600;</Name><Empty></Empty><Short/>
  <List xsi:type='typens:ArrayOfString'><String>a</String><String><![CDATA[<b>]]></String></List>
  <Set><Key>k</Key><Value xsi:nil='true'/></Set></Root>
`;
const parse = (source: string) => parseXmlNode(source, 'roads.sddraft');

test('what is not changed is written letter by letter', () => {
  expect(parse(text).writeDocument()).toBe(text);
});

test('elements are found without case, and read', () => {
  const root = parse(text);
  expect(root.className).toBe('CIMMap');
  expect(root.text('name')).toBe('A & "B😀');
  expect(root.items('list').map((each) => each.text())).toEqual(['a', '<b>']);
  expect(root.child('set')?.child('value')?.isNil).toBe(true);
});

test('a text that is set changes its own letters only; nil and short elements get a text', () => {
  const root = parse(text);
  root.setText('name', `<'x' & "y">`);
  root.setText('short', 's');
  root.child('set')?.setText('value', 'v');
  expect(root.writeDocument()).toBe(
    text
      .replace('A &amp; &quot;B&#x1F600;', '&lt;&apos;x&apos; &amp; &quot;y&quot;&gt;')
      .replace('<Short/>', '<Short>s</Short>')
      .replace("<Value xsi:nil='true'/>", "<Value xsi:type='xs:string'>v</Value>"),
  );
  expect(root.text('name')).toBe(`<'x' & "y">`);
});

test('elements come and go; the blanks between them stay tidy', () => {
  const root = parse('<A>\n  <B>1</B>\n  <C>2</C>\n</A>');
  root.insertAfter(root.child('b'), '<D>3</D>');
  expect(root.write()).toBe('<A>\n  <B>1</B>\n  <D>3</D>\n  <C>2</C>\n</A>');
  root.remove('b');
  root.remove('c');
  expect(root.write()).toBe('<A>\n  <D>3</D>\n</A>');
  expect(root.kept.map(({ key }) => key)).toEqual(['D']);
});

test('an element that holds elements is not overwritten', () => {
  const root = parse('<A><Name><B/></Name></A>');
  expect(() => root.setText('name', 'x')).toThrow(
    expect.objectContaining({ code: 'edit_refused' }),
  );
});

describe('hostile texts are refused plainly and fast', () => {
  test.for([
    [
      'entities that explode',
      `<!DOCTYPE a [<!ENTITY a "${'x'.repeat(1_000)}"><!ENTITY b "&a;&a;">]><a>&b;</a>`,
    ],
    ['a DTD from elsewhere', '<!DOCTYPE a SYSTEM "http://127.0.0.1/secret-word"><a/>'],
    ['depth', '<a>'.repeat(100_000)],
    ['crossed tags', '<a><b></a></b>'],
    ['no end', '<a><b>secret-word'],
    ['two roots', '<a/><b/>'],
    ['text before the root', 'secret-word<a/>'],
    ['text after the root', '<a/>secret-word'],
    ['nothing', ''],
    ['a comment without end', '<a/><!-- '.repeat(20_000)],
    ['quotes without end', `<a ${'b="'.repeat(50_000)}`],
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

  test('what looks like a comment in CDATA is text, however often it begins', () => {
    const comments = '<!-- '.repeat(100_000);
    const began = performance.now();
    expect(parse(`<a><b><![CDATA[${comments}]]><!-- x --></b></a>`).text('b')).toBe(comments);
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  test('unknown entities and impossible letters stay as they are written', () => {
    expect(decodeXml('&secret; &#x110000; &#0; &lt;')).toBe('&secret; &#x110000; &#0; <');
  });
});
