import { redactSecrets } from '../lib/redact.ts';
import { parseXmlNode } from './xml-node.ts';

export type MapMetadata = { summary: string; tags: string[] };

const maxSummary = 2_000;
const maxTags = 200;

/**
 * Summary and tags in the metadata of a map. Texts that are no XML count as none: a map may do without.
 *
 * @see Esri, ArcGIS metadata format: `dataIdInfo/idPurp`, `dataIdInfo/searchKeys/keyword`
 */
export function readMapMetadata(text: string | undefined): MapMetadata {
  const information = text === undefined ? undefined : parsed(text)?.child('dataIdInfo');
  const tags = (information?.items('searchKeys') ?? [])
    .filter(({ key }) => key.toLowerCase() === 'keyword')
    .map((keyword) => redactSecrets(keyword.text().trim()))
    .filter(Boolean);
  return {
    summary: redactSecrets((information?.text('idPurp') ?? '').trim().slice(0, maxSummary)),
    tags: tags.slice(0, maxTags),
  };
}

function parsed(text: string) {
  try {
    return parseXmlNode(text, 'The metadata');
  } catch {
    return undefined;
  }
}
