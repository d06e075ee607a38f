import { z } from 'zod';
import type { RawFinding } from '../arcpy/arcpy-protocol.ts';
import type { ServiceDefinitionConnection } from '../documents/service-definition.ts';
import { GatewayError } from '../lib/errors.ts';
import { redactSecrets } from '../lib/redact.ts';
import type { DataStoreItem } from '../sites/site-reader.ts';
import { AnalysisFinding, toCodeText, toFinding } from './analysis-codes.ts';
import {
  matchReferencedData,
  type ReferencedData,
} from './publish-service-definition/registered-data.ts';

/** A finding of ArcPy, with what the site's own items say of it. */
export const ArcpyFinding = AnalysisFinding.extend({
  registration: z
    .enum(['registered', 'not-registered', 'unknown'])
    .optional()
    .describe('Of a finding about unregistered data: what the items of the site say'),
  isIgnored: z.boolean().describe('Its code is among those to ignore'),
}).meta({ id: 'ArcpyFinding' });
export type ArcpyFinding = z.output<typeof ArcpyFinding>;

/** What a document says of the sources of a layer; nothing when that is not known. */
export type FindSources = (
  layer: string | undefined,
) => readonly ServiceDefinitionConnection[] | undefined;

export type Settling = {
  findSources: FindSources;
  /** Of the site that the definition is for; nothing when none is named, or it could not be asked. */
  items: readonly DataStoreItem[] | undefined;
  ignore: readonly string[];
};

/** Findings about data that the site has not registered: an offline draft cannot know. */
const registrationCodes = new Set(['24011', '24012', '24032', '10045', '00231', '00145']);

/** Findings in the words of the table, and settled against the site. */
export function toFindings(raw: readonly RawFinding[], settling: Settling): ArcpyFinding[] {
  const ignored = new Set(settling.ignore.map((code) => toCodeText(code)));
  return withoutTwins(raw).map((finding) => {
    const layer = finding.layer ?? undefined;
    const detail = finding.text === '' ? undefined : redactSecrets(finding.text);
    const found = toFinding(finding.code ?? 'unknown', {
      layer: layer?.replaceAll('\\', '/'),
      detail,
      severity: finding.severity,
      ...(detail !== undefined && { message: detail }),
    });
    const isIgnored = ignored.has(found.code);
    if (!registrationCodes.has(found.code)) return { ...found, isIgnored };
    return { ...settle(found, layer, settling), isIgnored };
  });
}

/** Broken sources are looked for before staging, which finds them again; and one layer may be told twice. */
function withoutTwins(raw: readonly RawFinding[]): RawFinding[] {
  const byKey = new Map<string, RawFinding>();
  for (const finding of raw) {
    const { severity, code, layer, text } = finding;
    const isAboutLayer = code !== null && layer !== null;
    // ArcPy's own words, which come last, say more than ours.
    byKey.set(
      JSON.stringify(isAboutLayer ? [severity, code, layer] : [severity, code, text]),
      finding,
    );
  }
  return [...byKey.values()];
}

function settle(
  finding: AnalysisFinding,
  layer: string | undefined,
  { findSources, items }: Settling,
): Omit<ArcpyFinding, 'isIgnored'> {
  const sources = findSources(layer);
  if (!items || !sources || sources.length === 0) return { ...finding, registration: 'unknown' };
  const unknown = { name: '', isCopied: false, workspaceFactory: '', datasets: [] };
  const matches = matchReferencedData(
    sources.map((connection) => ({ ...unknown, connection })),
    items,
  );
  const lacking = matches.find(({ item }) => item === undefined);
  if (lacking) return { ...finding, ...inDetail(lacking), registration: 'not-registered' };
  return {
    ...finding,
    registration: 'registered',
    detail: `${finding.detail ?? finding.meaning} The site has it registered, which a draft that is made offline cannot know.`,
    // Its hard forms have stopped ArcPy already.
    ...(finding.severity !== 'error' && { severity: 'message', copiesData: false }),
  };
}

/** What the site has that comes nearest, where there is such a thing. */
function inDetail({ connection, nearest }: ReferencedData): { detail?: string } {
  if (!nearest) return { detail: `${connection} is not registered with the site.` };
  const differsIn = nearest.differsIn.join(', ');
  return {
    detail: `${connection} is not registered with the site. The nearest item is ${nearest.path}, which differs in ${differsIn}.`,
  };
}

export type Judgement = {
  failOn: 'error' | 'warning' | 'never';
  copiedData: 'allow' | 'refuse';
  /** Datasets that are in the staged definition. */
  copied: readonly string[];
};

/** The analysis has findings that stop the job; they are in the problem as data. */
export class AnalysisError extends GatewayError {
  override readonly name = 'AnalysisError';
  readonly code: 'analysis_failed' | 'copied_data_refused';

  constructor(
    code: 'analysis_failed' | 'copied_data_refused',
    message: string,
    facts: { findings: readonly ArcpyFinding[]; copiedDatasets: readonly string[] },
  ) {
    super(message, { facts });
    this.code = code;
  }
}

/** @returns why a job has to stop, or nothing when it may go on */
export function findObjection(
  findings: readonly ArcpyFinding[],
  { failOn, copiedData, copied }: Judgement,
): AnalysisError | undefined {
  const counted = findings.filter(({ isIgnored }) => !isIgnored);
  const stopping = counted.filter(
    ({ severity }) => severity === 'error' || (failOn === 'warning' && severity === 'warning'),
  );
  const facts = { findings, copiedDatasets: copied };
  if (failOn !== 'never' && stopping.length > 0) {
    return new AnalysisError('analysis_failed', `${inLines(stopping)} ${nothingSent}`, facts);
  }
  const copying = findings.filter(({ copiesData }) => copiesData);
  if (copiedData === 'refuse' && (copied.length > 0 || copying.length > 0)) {
    const what = copied.length > 0 ? `These come along: ${copied.slice(0, 20).join(', ')}.` : '';
    return new AnalysisError(
      'copied_data_refused',
      [
        'Data would be copied to the site and freeze there as they are today.',
        what,
        copying.length > 0 ? inLines(copying) : '',
        'Register exactly these sources with the site, or send copiedData=allow.',
        nothingSent,
      ]
        .filter((part) => part !== '')
        .join(' '),
      facts,
    );
  }
  return undefined;
}

const nothingSent = 'Nothing was sent to the site.';
const mostLines = 20;

/** One line per finding: code, layer, what it means, what to do. */
function inLines(findings: readonly ArcpyFinding[]): string {
  const lines = findings
    .slice(0, mostLines)
    .map(
      ({ code, layer, meaning, fix }) =>
        `${code}${layer ? ` (${layer})` : ''}: ${meaning}. ${fix}.`,
    );
  const left = findings.length - lines.length;
  return [...lines, ...(left > 0 ? [`And ${left} more.`] : [])].join('\n');
}
