import { z } from 'zod';
import { codeRows, ownCodeRows } from './analysis-code-table.ts';

export const AnalysisSeverity = z
  .enum(['error', 'warning', 'message'])
  .describe('An error stops publishing; a warning does not; a message is for your information');
export type AnalysisSeverity = z.output<typeof AnalysisSeverity>;

/** One finding about a document, whether ArcGIS made it or we did. */
export const AnalysisFinding = z
  .object({
    code: z
      .string()
      .describe('Code of ArcGIS, five digits as it prints them; a word where it has none'),
    severity: AnalysisSeverity,
    layer: z
      .string()
      .optional()
      .describe('Path of the layer or table, `Group/Name`; absent when it is about the whole'),
    meaning: z.string().describe('What the code means'),
    fix: z.string().describe('What is usually done about it'),
    detail: z.string().optional().describe('What was found here; never with a password'),
    copiesData: z.boolean().describe('Data will be copied into the definition'),
    concerns: z
      .enum(['document', 'site'])
      .describe('What has to be changed: the document with its data, or the site'),
  })
  .meta({ id: 'AnalysisFinding' });
export type AnalysisFinding = z.output<typeof AnalysisFinding>;

export type AnalysisCode = Omit<AnalysisFinding, 'layer' | 'detail'>;

const rows = new Map([...codeRows, ...ownCodeRows].map((row) => [row[0], row]));

/** The soft forms of "not registered"; its hard forms are 00231 and 00145. */
const copyCodes = new Set(['24011', '24012', '24032', '10045']);
/** About licences and extensions of the site, not about the map. */
const siteCodes = new Set(['00144', '00147']);

/** `24011`, `1` or `"WARNING 24011"` as ArcGIS prints it; text without a number stays. */
export function toCodeText(code: string | number): string {
  const digits = typeof code === 'number' ? String(code) : /^\D*?(\d{1,7})$/.exec(code.trim())?.[1];
  return digits === undefined ? String(code) : digits.padStart(5, '0');
}

/**
 * What is known of a code. The code decides on its severity, not the group in which ArcGIS delivers it: ArcMap tells
 * 24011 as a message and ArcGIS Pro as a warning. One that is not in the table is judged by its range, or by what
 * ArcGIS said of it.
 */
export function explainCode(
  code: string | number,
  said: { severity?: AnalysisSeverity; message?: string } = {},
): AnalysisCode {
  const text = toCodeText(code);
  const [, severity, meaning, fix] = rows.get(text) ?? [
    text,
    said.severity ?? severityByRange(text),
    said.message ?? 'A code that is not in our table',
    'Look the code up in the documentation of ArcGIS',
  ];
  return {
    code: text,
    severity,
    meaning,
    fix,
    copiesData: copyCodes.has(text),
    concerns: siteCodes.has(text) ? 'site' : 'document',
  };
}

/** In the lists that were read, codes below 10000 are errors. */
function severityByRange(code: string): AnalysisSeverity {
  return Number(code) < 10_000 ? 'error' : 'warning';
}

/** A finding with the words of the table. */
export function toFinding(
  code: string | number,
  {
    layer,
    detail,
    ...said
  }: {
    layer?: string | undefined;
    detail?: string | undefined;
    severity?: AnalysisSeverity;
    message?: string;
  } = {},
): AnalysisFinding {
  return {
    ...explainCode(code, said),
    ...(layer !== undefined && { layer }),
    ...(detail !== undefined && { detail }),
  };
}
