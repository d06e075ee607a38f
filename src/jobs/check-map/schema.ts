import { z } from 'zod';
import { AnalysisFinding } from '../analysis-codes.ts';
import { FileLink } from '../file-link.ts';

export const CheckMapParams = z
  .strictObject({
    document: FileLink.describe('The document: .mapx, .aprx, .lyrx, or a draft (.sddraft)'),
    map: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .describe('Name of the map in a project; without it all of them'),
    site: z
      .string()
      .min(1)
      .max(63)
      .optional()
      .describe('Configured site it shall be published on: tells which data it has not registered'),
    folder: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe('Where the document lies at its author’s: relative paths are resolved with it'),
    extensions: z
      .array(z.string().regex(/^\w{1,120}$/))
      .max(30)
      .default([])
      .describe('Extensions that the service shall have, such as `FeatureServer`'),
    summary: z
      .string()
      .max(4_000)
      .optional()
      .describe('Summary that the draft will be given, where the map has none'),
    tags: z
      .array(z.string().max(300))
      .max(200)
      .optional()
      .describe('Tags that the draft will be given, where the map has none'),
    copiedData: z
      .enum(['allow', 'refuse'])
      .default('allow')
      .describe('With `refuse` data that would be copied are an error'),
  })
  .meta({ id: 'CheckMapInputs' });
export type CheckMapParams = z.output<typeof CheckMapParams>;

export const CheckMapFinding = AnalysisFinding.extend({
  map: z.string().optional().describe('Name of the map, in a project'),
  isCertain: z
    .boolean()
    .describe('The document itself says so; else ArcGIS decides, and this is what it often says'),
}).meta({ id: 'CheckMapFinding' });
export type CheckMapFinding = z.output<typeof CheckMapFinding>;

export const CheckMapResult = z
  .object({
    name: z.string().describe('Name of the file'),
    kind: z.string().describe('Kind of document'),
    errors: z.int().describe('Findings that would stop publishing'),
    warnings: z.int().describe('Findings that would not'),
    findings: z.array(CheckMapFinding).describe('Errors first, then in drawing order'),
    site: z
      .object({
        name: z.string().describe('The site that was asked'),
        items: z.int().optional().describe('Folders and databases that it has registered'),
        note: z.string().optional().describe('Why registered data were not compared'),
      })
      .optional()
      .describe('What the named site told'),
    notChecked: z
      .array(
        z.object({
          codes: z.array(z.string()).describe('Codes that ArcGIS would use'),
          what: z.string().describe('What is looked at'),
        }),
      )
      .describe('What only ArcGIS can tell, for it opens the data'),
  })
  .meta({ id: 'CheckMapResults' });
export type CheckMapResult = z.output<typeof CheckMapResult>;
