import { z } from 'zod';

/** How severe a message or a finding is. */
export const Severity = z.enum(['info', 'warning', 'error']);

/** A message of a geoprocessing tool. `id` is what to go by: the words are in the installation's language. */
export const ToolMessage = z.object({
  severity: Severity,
  id: z.string().nullable(),
  text: z.string(),
});
export type ToolMessage = z.output<typeof ToolMessage>;

/** What the analysis found, as the Python side reads it out of every form in which ArcPy tells it. */
export const RawFinding = z.object({
  severity: z.enum(['error', 'warning', 'message']),
  code: z.string().nullable(),
  text: z.string(),
  layer: z.string().nullable(),
});
export type RawFinding = z.output<typeof RawFinding>;

export const FaultCode = z.enum([
  'no_arcpy',
  'broken_environment',
  'not_licensed',
  'missing_extension',
  'unsupported',
  'bad_input',
  'archive_rejected',
  'tool_failed',
  'disk_full',
  'failed',
]);
export type FaultCode = z.output<typeof FaultCode>;

/** The first line of a process, before it has imported anything. */
export const Hello = z.object({
  kind: z.literal('hello'),
  pid: z.int(),
  python: z.string(),
  platform: z.string(),
});

const Progress = z.object({
  id: z.int(),
  kind: z.literal('progress'),
  phase: z.string(),
  message: z.string(),
});

const Result = z.object({
  id: z.int(),
  kind: z.literal('result'),
  value: z.unknown(),
  residentBytes: z.number().default(0),
});

export const Fault = z.object({
  id: z.int(),
  kind: z.literal('error'),
  code: FaultCode,
  message: z.string(),
  facts: z.record(z.string(), z.unknown()).default({}),
  /** The fault came out of native code, which may be left in any state. */
  recycle: z.boolean().default(false),
  residentBytes: z.number().default(0),
});
export type Fault = z.output<typeof Fault>;

/** What the Python side writes, one JSON document per line. Whatever else a line is counts as noise. */
export const Line = z.discriminatedUnion('kind', [Hello, Progress, Result, Fault]);
export type Line = z.output<typeof Line>;

/** @returns nothing for noise */
export function parseLine(text: string): Line | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // something that looks like JSON and is none
  }
}
