import { type ErrorCode, GatewayError } from '../lib/errors.ts';
import { redactDeep, redactSecrets } from '../lib/redact.ts';
import type { Fault } from './arcpy-protocol.ts';

/** ArcPy does not start on this machine. Another worker may be able to; this one tries again later. */
export class ArcpyUnavailableError extends GatewayError {
  override readonly name = 'ArcpyUnavailableError';
  readonly code = 'arcpy_unavailable';
  override readonly again = 'later';
}

/** The process ended in the middle of a job. */
export class ArcpyCrashedError extends GatewayError {
  override readonly name = 'ArcpyCrashedError';
  readonly code = 'arcpy_crashed';
}

/** The process said nothing for too long and was ended. */
export class ArcpySilentError extends GatewayError {
  override readonly name = 'ArcpySilentError';
  readonly code = 'arcpy_silent';
}

/** The disk of the worker is full: a file that is given up on there costs nobody else anything. */
export class ArcpyDiskFullError extends GatewayError {
  override readonly name = 'ArcpyDiskFullError';
  readonly code = 'storage_exhausted';
}

/** ArcPy, or the Python side, refused what it was asked. */
export class ArcpyFaultError extends GatewayError {
  override readonly name = 'ArcpyFaultError';
  readonly code: ErrorCode;
  readonly fault: Fault;

  constructor(code: ErrorCode, message: string, fault: Fault) {
    const { messages, toolId, tool, ...facts } = fault.facts;
    super(redactSecrets(message), {
      facts: redactDeep({
        ...facts,
        ...(typeof tool === 'string' && { tool }),
        ...(typeof toolId === 'string' && { toolId }),
        ...(messages !== undefined && { arcpyMessages: messages }),
      }) as Record<string, unknown>,
    });
    this.code = code;
    this.fault = fault;
  }
}

export type Place = { machine: string; account: string; freeBytes: number; folder: string };

const startFaults = new Set<Fault['code']>(['no_arcpy', 'broken_environment', 'not_licensed']);

export function isStartFault({ code }: Pick<Fault, 'code'>): boolean {
  return startFaults.has(code);
}

/** A fault of the Python side, in words that say what to do. */
export function toArcpyError(fault: Fault, place: Place): GatewayError {
  if (isStartFault(fault)) return toUnavailable(fault, place);
  if (isDiskTrouble(fault, place)) return toDiskFull(fault, place);
  return new ArcpyFaultError(codeOf(fault), inWords(fault, place), fault);
}

function toUnavailable(fault: Fault, { machine, account }: Place): ArcpyUnavailableError {
  const reasons: Partial<Record<Fault['code'], string>> = {
    not_licensed: `it is not licensed for this account (${fault.message}). On a machine with ArcGIS Pro this account has to have signed in once, or be licensed otherwise; on ArcGIS Server the licence of the server counts`,
    no_arcpy: `${fault.message}. Set arcpy.python to the Python of ArcGIS`,
    broken_environment: `the environment is damaged, or is that of another product (${fault.message})`,
  };
  return new ArcpyUnavailableError(
    redactSecrets(
      `ArcPy does not start on ${machine} as ${account}: ${reasons[fault.code] ?? fault.message}.`,
    ),
    { facts: { machine, account, reason: fault.code } },
  );
}

/** Gathering (001270) and packing (001269) the data fail for a full disk, or for data that cannot be read. */
const diskIds = new Set(['001269', '001270']);
const littleBytes = 512 * 2 ** 20;

function isDiskTrouble(fault: Fault, { freeBytes }: Place): boolean {
  if (fault.code === 'disk_full') return true;
  const isGathering = diskIds.has(String(fault.facts.toolId));
  return isGathering && freeBytes < littleBytes;
}

function toDiskFull(fault: Fault, { machine, freeBytes, folder }: Place): ArcpyDiskFullError {
  return new ArcpyDiskFullError(
    `There is no room on the worker ${machine}: ${toGibibytes(freeBytes)} GiB free in ${folder}. ${redactSecrets(fault.message).replace(/\.?$/, '.')} Nothing was sent to the site. Make room there and retry.`,
    { facts: { machine, freeBytes, toolId: fault.facts.toolId ?? null } },
  );
}

function toGibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}

function codeOf({ code, facts }: Fault): ErrorCode {
  if (code === 'bad_input') return facts.input === 'map' ? 'nothing_matched' : 'arcpy_refused';
  if (code === 'archive_rejected') return 'archive_rejected';
  if (code === 'missing_extension') return 'arcpy_extension_missing';
  if (code === 'unsupported') return 'arcpy_unsupported';
  return 'arcpy_failed';
}

function inWords({ code, message, facts }: Fault, { machine, freeBytes, folder }: Place): string {
  if (code === 'missing_extension')
    return `The worker cannot use an extension. ${message}. License it there, or name a runtime that has it.`;
  if (code !== 'tool_failed') return message;
  const about = explanations[String(facts.toolId)]?.replace(
    '{worker}',
    `on the worker ${machine} (${toGibibytes(freeBytes)} GiB free in ${folder})`,
  );
  return `${String(facts.tool ?? 'The tool')} failed: ${message}${about ? ` ${about}` : ''}`;
}

/** Row 26 of what goes wrong: the texts are Esri's, the causes are inferred. */
const explanations: Record<string, string> = {
  '000732':
    'The dataset does not exist, or this account cannot read it: check the path as the worker sees it.',
  '001269':
    'The definition could not be packed {worker}: most often a full disk, a path that is too long, or a scanner that holds files. Nothing was sent to the site.',
  '001270':
    'The data could not be gathered {worker}: most often data that are locked or cannot be read by this account, or a full disk. Nothing was sent to the site.',
  '004027': 'The chosen target does not have a capability: change the options, or the target.',
};
