import { expect, test } from 'vitest';
import { checkXmlShape, findRootChildText, keepRootChildren } from './xml-scan.ts';

const text = `<?xml version="1.0"?><!-- <Type>no</Type> --><R a='>' b="</R>"><A><Type>deep</Type></A><Empty/><B><![CDATA[<Type>]]></B><Type x="1">root</Type><Type>second</Type></R>`;

test('finds the first child of the root, not what looks like it', () => {
  const found = findRootChildText(text, 'Type');

  expect(text.slice(found?.start, found?.end)).toBe('root');
  expect(findRootChildText(text, 'Missing')).toBeUndefined();
});

test('keeps only the wanted children', () => {
  expect(keepRootChildren(text, new Set(['empty', 'a']))).toBe(
    `<R a='>' b="</R>"><A><Type>deep</Type></A><Empty/></R>`,
  );
});

test('refuses a DTD and depth without end', () => {
  expect(() => checkXmlShape('<!DOCTYPE a><a/>')).toThrow('DTD');
  expect(() => checkXmlShape('<a>'.repeat(101))).toThrow('deep');
  expect(() => checkXmlShape(text)).not.toThrow();
});
