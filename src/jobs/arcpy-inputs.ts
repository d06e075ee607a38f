import { z } from 'zod';
import type { LegacyDraft } from '../arcpy/arcpy-session.ts';
import { DraftEdits } from '../documents/draft-edits.ts';
import { RequestError } from '../lib/errors.ts';
import { textOfMarks } from '../lib/portable-patterns.ts';
import { type RuntimeNeeds, RuntimeWish } from './runtime-wish.ts';

const text = (max: number) => z.string().max(max);

/** How a service is to be called and described: the same for every kind. */
export const ServiceInputs = {
  serviceName: textOfMarks(
    (mark) => `^${mark}{1,120}$`,
    'letters, digits and underscores only, 1 to 120',
  ).describe('Name of the service: letters, digits and underscores'),
  folder: textOfMarks(
    (mark) => `^${mark}{0,120}$`,
    'letters, digits and underscores only, 120 at most',
  )
    .optional()
    .describe('Folder of the site that receives the service; omitted: the root'),
  summary: text(4_000).optional().describe('Summary of the item'),
  tags: z.array(text(300)).max(200).optional().describe('Tags of the item'),
  description: text(60_000).optional().describe('Description of the service'),
  credits: text(4_000).optional().describe('Credits of the item'),
  useLimitations: text(20_000).optional().describe('Use limitations of the item'),
} as const;

/** What the draft is made for. */
export const TargetInputs = {
  site: z
    .string()
    .optional()
    .describe('Site that will receive it: sets the target, and settles findings about its data'),
  serverType: z
    .enum(['standalone', 'federated', 'hosting'])
    .default('standalone')
    .describe('Kind of server; hosted layers (`hosting`) are refused'),
  target: z
    .enum(['ENTERPRISE_11', 'ENTERPRISE_10x', 'ONLINE'])
    .optional()
    .describe('Server it is made for: 11.0 and later, or up to 10.9.1; omitted: that of `site`'),
  copyDataToServer: z
    .boolean()
    .default(false)
    .describe('Copy all data into the definition, registered ones too'),
  replace: z
    .boolean()
    .default(false)
    .describe('Make a definition that replaces a service of its name'),
  stagingVersion: z
    .int()
    .min(1)
    .max(9_999)
    .optional()
    .describe('staging_version of StageService; omitted: its default'),
  edits: DraftEdits.omit({ serviceName: true, folder: true, replace: true })
    .strict()
    .optional()
    .describe('Edits of the draft before it is staged: extensions, instances, time-outs'),
} as const;

const ignored = z
  .array(
    z
      .string()
      .regex(/^\d{1,7}$/)
      .describe('Code, such as `24011`'),
  )
  .max(200)
  .default([])
  .describe('Codes of findings that stop nothing');

/** What findings of the analysis do to a job that makes something of it. */
export const JudgingInputs = {
  failOn: z
    .enum(['error', 'warning'])
    .default('error')
    .describe('Least severity that fails the job'),
  ignore: ignored,
  copiedData: z
    .enum(['allow', 'refuse'])
    .default('allow')
    .describe('Data that come along in the definition, or would be copied'),
} as const;

/** The same for a job that only looks. */
export const AnalysisInputs = {
  failOn: z
    .enum(['error', 'warning', 'never'])
    .default('never')
    .describe('Least severity that fails the job; `never`: findings are its result'),
  ignore: ignored,
  copiedData: JudgingInputs.copiedData,
} as const;

export const RuntimeInput = { runtime: RuntimeWish } as const;

const AnyDraft = z.object({
  ...ServiceInputs,
  ...TargetInputs,
  ...AnalysisInputs,
  ...RuntimeInput,
});
/** What every job that drafts something was asked for. */
export type DraftWish = z.output<typeof AnyDraft>;

/** @throws RequestError hosted_definition */
export function refuseHosted({ serverType, target }: Pick<DraftWish, 'serverType' | 'target'>) {
  if (serverType !== 'hosting' && target !== 'ONLINE') return;
  const input = serverType === 'hosting' ? 'serverType' : 'target';
  const detail =
    'Hosted layers belong to a portal with a hosting server and are not made here: share the map to a server (serverType standalone or federated) instead.';
  throw new RequestError('hosted_definition', detail, {
    errors: [{ pointer: `#/inputs/${input}`, code: 'hosted_definition', detail }],
  });
}

/** What the older functions of ArcPy take beside the source. */
export function toLegacyDraft({ folder, summary, tags, copyDataToServer }: DraftWish): LegacyDraft {
  return {
    copyDataToServer,
    ...(folder && { folder }),
    ...(summary !== undefined && { summary }),
    ...(tags && { tags: tags.join(', ') }),
  };
}

/** An analysis needs no name: nothing is kept. */
export const AnalyzedServiceInputs = {
  ...ServiceInputs,
  serviceName: ServiceInputs.serviceName.default('Analysis'),
} as const;

/** What follows from the target: only ArcGIS Pro 3.0 and ArcGIS Server 11.0 know `ENTERPRISE_11`. */
export function needsOf({ runtime, target }: Pick<DraftWish, 'runtime' | 'target'>): RuntimeNeeds {
  if (target !== 'ENTERPRISE_11' || runtime.minVersion !== undefined) return runtime;
  return { ...runtime, minVersion: '3.0', because: 'the target ENTERPRISE_11' };
}
