import { DocumentError } from '../lib/errors.ts';
import { parseXml, textAt } from './xml-document.ts';
import { findRootChildText } from './xml-scan.ts';

const replacement = 'esriServiceDefinitionType_Replacement';

/**
 * The manifest with `Type` set to Replacement, all other bytes as they were: a serializer would write the
 * empty elements and quotes in another way. That a site accepts a staged definition changed like this is not
 * verified; `State` stays, since whether it has to change is not known either.
 *
 * @throws DocumentError unreadable_document when there is no Type to set
 */
export function toReplacementManifest(manifest: Buffer): Buffer {
  parseXml(manifest, 'manifest.xml'); // refuses what is not well formed
  const text = manifest.toString('latin1'); // a character per byte, so that every byte comes back
  const type = findRootChildText(text, 'Type');
  if (!type) throw new DocumentError('unreadable_document', 'manifest.xml has no Type to change.');
  const changed = Buffer.from(
    text.slice(0, type.start) + replacement + text.slice(type.end),
    'latin1',
  );
  const written = textAt(parseXml(changed, 'manifest.xml'), 'Type');
  if (written !== replacement) throw new Error('The Type of manifest.xml was not changed');
  return changed;
}
