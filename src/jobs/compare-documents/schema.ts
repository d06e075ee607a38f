import { z } from 'zod';
import { DocumentDifference } from '../../documents/compare-contents.ts';
import { FileLink } from '../file-link.ts';

export const CompareDocumentsParams = z
  .strictObject({
    before: FileLink.describe('The first document'),
    after: FileLink.describe('The second: a map, a layer file or a project, or the same kind'),
    folder: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe('Where both lie at their author’s: relative paths are resolved with it'),
  })
  .meta({ id: 'CompareDocumentsInputs' });
export type CompareDocumentsParams = z.output<typeof CompareDocumentsParams>;

const Compared = z.object({
  name: z.string().describe('Name of the file'),
  kind: z.string().describe('Kind of document'),
  sha256: z.string().describe('SHA-256 of the file, in hex'),
});

export const CompareDocumentsResult = z
  .object({
    before: Compared.describe('The first document'),
    after: Compared.describe('The second document'),
    isSameFile: z.boolean().describe('They are the same byte for byte'),
    isSame: z.boolean().describe('No difference was found in what is compared'),
    differences: z
      .array(DocumentDifference)
      .describe('Every difference, in the order of the first'),
  })
  .meta({ id: 'CompareDocumentsResults' });
export type CompareDocumentsResult = z.output<typeof CompareDocumentsResult>;
