import { zip } from './map-document-builder.ts';
import { element, writeArcgisXml } from './xml-text.ts';

/**
 * An empty project (.aprx), into which ArcPy imports a map. It has the three members that an empty project of
 * ArcGIS Pro 3 was seen to have, and nothing else of one. That ArcPy opens it is not verified: where an installation
 * has an empty project of its own, or an operator names one, that is taken.
 */
export async function buildBlankProject(): Promise<Buffer> {
  const info = writeArcgisXml('CIMDocumentInfo', '3.0.0', [
    element('Version', '3.0.0'),
    element('UseRelativePath', true),
  ]);
  return await zip(
    new Map([
      ['Index.json', JSON.stringify(index)],
      ['DocumentInfo.xml', info],
      ['GISProject.json', JSON.stringify({ type: 'CIMGISProject', projectItems: [] })],
    ]),
  );
}

const index = {
  ...{ DocumentType: 'Index', MajorVersion: 1, MinorVersion: 0, PatchVersion: 0 },
  ...{ NumberOfNodes: 0, Nodes: [] },
};
