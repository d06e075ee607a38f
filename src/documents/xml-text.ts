const typensRoot = 'http://www.esri.com/schemas/ArcGIS/';
const arrayItem = /^(SVCDatabase|SVCDataset|SVCResource|PropertySetProperty|CIM\w+)$/;

/**
 * A document as ArcGIS writes it: one line, no declaration, single quotes, empty elements in two tags, and
 * the three namespaces although no element uses them: they are named inside of attribute values.
 */
export function writeArcgisXml(
  rootName: string,
  schemaVersion: string,
  content: readonly XmlElementSpec[],
): string {
  const namespaces = [
    `xsi:type='typens:${rootName}'`,
    "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'",
    "xmlns:xs='http://www.w3.org/2001/XMLSchema'",
    `xmlns:typens='${typensRoot}${schemaVersion}'`,
  ];
  return `<${rootName} ${namespaces.join(' ')}>${content.map(writeElement).join('')}</${rootName}>`;
}

export type XmlElementSpec = {
  name: string;
  /** Class in `xsi:type`; by default that of items in lists, which carry their own name. */
  type?: string;
  content?: string | number | boolean | readonly XmlElementSpec[];
};

function writeElement({ name, type, content = '' }: XmlElementSpec): string {
  const className = type ?? (arrayItem.test(name) ? `typens:${name}` : undefined);
  const attribute = className ? ` xsi:type='${className}'` : '';
  const inner = Array.isArray(content)
    ? content.map(writeElement).join('')
    : escapeXml(String(content));
  return `<${name}${attribute}>${inner}</${name}>`;
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
}

/** An element with text, or an empty one. */
export function element(name: string, content: string | number | boolean = ''): XmlElementSpec {
  return { name, content };
}

/** A list, with the class ArcGIS gives it. */
export function list(name: string, itemClass: string, content: XmlElementSpec[]): XmlElementSpec {
  return { name, type: `typens:ArrayOf${itemClass}`, content };
}

/** A property set; strings, booleans and whole numbers keep their kind. */
export function propertySet(
  name: string,
  properties: Readonly<Record<string, string | boolean | number>>,
): XmlElementSpec {
  const items = Object.entries(properties).map(([key, value]) => ({
    name: 'PropertySetProperty',
    content: [element('Key', key), { name: 'Value', type: `xs:${kindOf(value)}`, content: value }],
  }));
  const array = list('PropertyArray', 'PropertySetProperty', items);
  return { name, type: 'typens:PropertySet', content: [array] };
}

function kindOf(value: string | boolean | number): string {
  if (typeof value === 'string') return 'string';
  return typeof value === 'boolean' ? 'boolean' : 'int';
}
