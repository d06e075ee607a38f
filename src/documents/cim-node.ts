import { DocumentError } from '../lib/errors.ts';
import { type JsonNode, parseJsonNode } from './json-node.ts';
import { parseXmlNode, type XmlNode } from './xml-node.ts';

/**
 * One object of the CIM, in the JSON or the XML form: both have the same classes and members in the same order,
 * and both remember their own text. Names are those of JSON; case is not looked at.
 *
 * @see Esri, CIM specification, "Overview"
 */
export type CimNode = JsonNode | XmlNode;

/**
 * Reads a member of a project or a document of its own. The first character tells the form, never the name:
 * projects that were upgraded to ArcGIS Pro 3 keep JSON in members called `.xml`.
 *
 * @throws DocumentError unreadable_document
 */
export function parseCim(content: Buffer, member: string): CimNode {
  const text = toText(content, member);
  const first = /\S/.exec(text)?.[0];
  if (first === '{') return parseJsonNode(text, member);
  if (first === '<') return parseXmlNode(text, member);
  throw new DocumentError('unreadable_document', `${member} is neither JSON nor XML.`);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws DocumentError for what is no UTF-8: writing it back would change it */
export function toText(content: Buffer, member: string): string {
  try {
    return decoder.decode(content);
  } catch (error) {
    throw new DocumentError('unreadable_document', `${member} is not UTF-8.`, { cause: error });
  }
}

export function isJson(node: CimNode): node is JsonNode {
  return 'kind' in node;
}

/** Strings of a list; an item of XML is an element with a text. */
export function textsOf(node: CimNode, list: string): string[] {
  return node.items(list).map((item: CimNode) => item.text());
}

/** `CIMPATH=map/roads.json` without its prefix, for comparing: case is not looked at. */
export function toUriKey(uri: string): string {
  return uri.replace(/^CIMPATH=/i, '').toLowerCase();
}
