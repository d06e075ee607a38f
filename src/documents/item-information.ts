import { splitList } from './service-configuration.ts';
import { elementAt, parseXml, textAt } from './xml-document.ts';

export type ItemInformation = {
  title: string | undefined;
  summary: string | undefined;
  tags: string[];
};

/**
 * Reads esriinfo/iteminfo.xml. Letter case of its elements changed over time.
 *
 * @throws DocumentError unreadable_document when it is not XML
 */
export function readItemInformation(content: Buffer): ItemInformation {
  const root = parseXml(content, 'esriinfo/iteminfo.xml');
  return {
    title: textAt(root, 'title') || undefined,
    summary: textAt(root, 'snippet') || textAt(root, 'summary') || undefined,
    tags: elementAt(root, 'tags') ? splitList(textAt(root, 'tags')) : [],
  };
}

/** The version in esriinfo/item.pkinfo. */
export function readPackageVersion(content: Buffer): string | undefined {
  return textAt(parseXml(content, 'esriinfo/item.pkinfo'), 'version') || undefined;
}
