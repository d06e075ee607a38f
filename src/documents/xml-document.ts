import { DOMParser, type Element as DomElement, Node as DomNode } from '@xmldom/xmldom';
import { DocumentError } from '../lib/errors.ts';
import { checkXmlShape } from './xml-scan.ts';

export type XmlElement = DomElement;

const elementNode = DomNode.ELEMENT_NODE;

/**
 * Parses a member that has to be XML. A byte order mark and a declaration are tolerated.
 *
 * @throws DocumentError unreadable_document naming the member
 */
export function parseXml(content: Buffer, member: string): XmlElement {
  const text = content.toString('utf8').replace(/^\uFEFF/, '');
  try {
    checkXmlShape(text);
    const root = new DOMParser({ locator: false, onError: stopAtErrors }).parseFromString(
      text,
      'text/xml',
    ).documentElement;
    if (root) return root;
  } catch (error) {
    if (error instanceof DocumentError) {
      throw new DocumentError(error.code, `${member}: ${error.message}`, { cause: error });
    }
    throw new DocumentError('unreadable_document', `${member} is not XML.`, { cause: error });
  }
  throw new DocumentError('unreadable_document', `${member} is not XML.`);
}

function stopAtErrors(level: 'warning' | 'error' | 'fatalError', message: string): void {
  if (level !== 'warning') throw new Error(message);
}

/** Child elements, all or those of a name; names are compared without case, as ArcGIS changed it over time. */
export function childrenOf(element: XmlElement | undefined, name?: string): XmlElement[] {
  const children: XmlElement[] = [];
  const wanted = name?.toLowerCase();
  for (let child = element?.firstChild; child; child = child.nextSibling) {
    if (child.nodeType !== elementNode) continue;
    const inner = child as XmlElement;
    if (wanted === undefined || localName(inner) === wanted) children.push(inner);
  }
  return children;
}

/** One step per name: the same names stand on many levels, so nothing is searched for across levels. */
export function elementAt(
  element: XmlElement | undefined,
  ...path: string[]
): XmlElement | undefined {
  return path.reduce<XmlElement | undefined>((at, name) => childrenOf(at, name)[0], element);
}

/** The text at a path, trimmed; an empty or missing element is `''`. */
export function textAt(element: XmlElement | undefined, ...path: string[]): string {
  return elementAt(element, ...path)?.textContent?.trim() ?? '';
}

function localName(element: XmlElement): string {
  return (element.localName ?? element.tagName).toLowerCase();
}

/** Values of an ArcGIS PropertySet by key, keys in lower case. */
export function propertySetAt(element: XmlElement | undefined): Map<string, string> {
  const properties = childrenOf(elementAt(element, 'PropertyArray'), 'PropertySetProperty');
  return new Map(
    properties.map((property) => [
      textAt(property, 'Key').toLowerCase(),
      textAt(property, 'Value'),
    ]),
  );
}
