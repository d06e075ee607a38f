import { z } from 'zod';
import { DocumentContent } from '../../documents/document-content.ts';
import { FileLink } from '../file-link.ts';

export const InspectDocumentParams = z
  .strictObject({
    document: FileLink.describe(
      'The document: .sd, .sddraft, .aprx, .mapx, .lyrx, .sde, .mxd or a package',
    ),
    folder: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe('Where it lies at its author’s: relative paths are resolved with it'),
  })
  .meta({ id: 'InspectDocumentInputs' });
export type InspectDocumentParams = z.output<typeof InspectDocumentParams>;

export const InspectDocumentResult = z
  .object({
    name: z.string().describe('Name of the file'),
    sizeBytes: z.number().describe('Size of the file'),
    sha256: z.string().describe('SHA-256 of the file, in hex'),
    content: DocumentContent.describe('What is in it; `kind` tells which kind of document it is'),
  })
  .meta({ id: 'InspectDocumentResults' });
export type InspectDocumentResult = z.output<typeof InspectDocumentResult>;
