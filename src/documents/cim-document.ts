import { childrenOf, parseXml, textAt, type XmlElement } from './xml-document.ts';
import { keepRootChildren } from './xml-scan.ts';

const wantedNames = new Set(
  [
    ...['Name', 'DisplayName', 'URI', 'CatalogPath', 'ServiceLayerID', 'ServiceTableID'],
    ...['Layers', 'SubLayers', 'SubtypeLayers', 'StandaloneTables', 'UseServiceLayerIDs'],
    ...['Version', 'Build', 'ActiveMapRepositoryPath'],
  ].map((name) => name.toLowerCase()),
);

/**
 * One object of the CIM (a map, a layer, a table), whether it was written as XML or as JSON. Names are
 * compared without case: JSON lower-cases the first letter of the XML name.
 *
 * @see Esri, CIM specification, "Overview"
 */
export type CimElement = {
  /** Such as `CIMFeatureLayer`. */
  className: string;
  text(name: string): string;
  list(name: string): (string | CimElement)[];
};

/** Reads what a member of a map document or a .mapx holds; the first byte tells which form it is. */
export function readCim(content: Buffer, member: string): CimElement | undefined {
  const text = content
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (text.startsWith('{')) return fromJson(JSON.parse(text) as unknown);
  if (text.startsWith('<')) {
    return fromXml(parseXml(Buffer.from(keepRootChildren(text, wantedNames)), member));
  }
  return undefined;
}

function fromXml(element: XmlElement): CimElement {
  return {
    className: element.localName ?? element.tagName,
    text: (name) => textAt(element, name),
    list: (name) =>
      childrenOf(childrenOf(element, name)[0]).map((child) =>
        childrenOf(child).length === 0 ? (child.textContent?.trim() ?? '') : fromXml(child),
      ),
  };
}

export function fromJson(value: unknown): CimElement | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  const members = new Map<string, unknown>(
    Object.entries(value).map(([key, inner]) => [key.toLowerCase(), inner as unknown]),
  );
  return {
    className: String(members.get('type') ?? ''),
    text: (name) => {
      const inner = members.get(name.toLowerCase());
      return inner === undefined || typeof inner === 'object' ? '' : String(inner).trim();
    },
    list: (name) => {
      const inner = members.get(name.toLowerCase());
      if (!Array.isArray(inner)) return [];
      return inner
        .map((item: unknown) => (typeof item === 'string' ? item : fromJson(item)))
        .filter((item) => item !== undefined);
    },
  };
}
