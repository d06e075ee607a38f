import type { FailureEvidence, FailureLogLine } from './failure-evidence.ts';

const quoteLimit = 300;
/** Sites send readers away with these; whoever reads an explanation has the lines before them. */
const emptyAdvice =
  /\s*\b(?:please\s+)?(?:see|check|refer to)\s+the\s+server(?:'|’)?s?\s+logs?\b[^.]*\.?|\s*\b(?:please\s+)?contact\s+your\s+(?:\w+\s+)?administrator\b[^.]*\.?/gi;

/** Words of a site as they may be shown: on one line, shortened, without empty advice. */
export function quote(text: string): string {
  const plain = text
    .replace(/<[^>]*>/g, ' ')
    .replace(emptyAdvice, '')
    .replace(/\s+/g, ' ')
    .trim();
  return plain.length > quoteLimit ? `${plain.slice(0, quoteLimit)}…` : plain;
}

/** The same as the end of a sentence. */
export function said(text: string): string {
  const words = quote(text) || 'nothing that can be quoted';
  return /[.!?…]$/.test(words) ? words : `${words}.`;
}

/** Joins what there is; empty parts leave no trace. */
export function sentences(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}

/** The sentence when the value is there, else nothing. */
export function when(value: unknown, sentence: string): string {
  return value === undefined || value === '' || value === false ? '' : sentence;
}

/** `a, b, c and 4 more`, or the other word for none. */
export function listOf(names: readonly string[], none: string): string {
  const shown = names.slice(0, 5);
  const more = names.length - shown.length;
  if (shown.length === 0) return none;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

export function durationOf(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

export function sizeOf(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  const value = bytes / 2 ** (10 * step);
  return `${step === 0 ? value : value.toFixed(1)} ${units[step] ?? 'bytes'}`;
}

export function serviceOf(it: FailureEvidence): string {
  return it.service || 'the service';
}

export function accountOf(it: FailureEvidence): string {
  return it.account ? `the account ${it.account}` : 'our account';
}

export function copiedDataOf(it: FailureEvidence): string {
  return listOf(it.definition?.copiedDatasets ?? [], 'Copied data');
}

/** What stands on the site now, as it was found after the failure. */
export function liveStateOf({ liveService }: FailureEvidence): string {
  if (!liveService) return 'not known, for it was not looked at';
  if (!liveService.isListed) return 'not listed';
  const { configuredState, realTimeState, wasReplaced } = liveService;
  return [
    'listed',
    ...(configuredState ? [`configured ${configuredState}`] : []),
    ...(realTimeState ? [`running state ${realTimeState}`] : []),
    ...(wasReplaced === undefined ? [] : [wasReplaced ? 'replaced' : 'not replaced']),
  ].join(', ');
}

/**
 * The line that tells why a service did not start: the service's own log first, then what else was severe.
 * The tool that publishes only repeats that it failed.
 */
export function reasonInLog(it: FailureEvidence): FailureLogLine | undefined {
  const lines = byTime(it.logLines).filter(({ message }) => quote(message) !== '');
  return (
    lines.find(({ source }) => source.toLowerCase() === it.service?.toLowerCase()) ??
    lines.find(({ level, source }) => level === 'SEVERE' && !source.includes('PublishingTools'))
  );
}

/** Where it happened and what was found: what every explanation shows. */
export function sightsOf(it: FailureEvidence): string[] {
  const lines = byTime(it.logLines);
  const [first] = lines;
  const last = lines.at(-1);
  const machine = lines.find((line) => line.machine)?.machine;
  return [
    [
      `Site ${it.site}, step ${it.step}`,
      ...(machine ? [`machine ${machine}`] : []),
      ...(it.siteJobId ? [`site job ${it.siteJobId}`] : []),
      ...(it.jobStatus ? [it.jobStatus] : []),
    ].join(', '),
    ...(first ? [`Server log, first line: ${logLineText(first)}`] : [noLogText(it)]),
    ...(last && last !== first ? [`Server log, last line: ${logLineText(last)}`] : []),
    `Live service ${it.service || '(name not known)'}: ${liveStateOf(it)}`,
  ];
}

export function noLogText(it: FailureEvidence): string {
  return it.logsUnreadable
    ? `The server log could not be read: ${quote(it.logsUnreadable)}`
    : 'The server log has no line in the window of this failure';
}

function logLineText({ timeMs, level, source, message }: FailureLogLine): string {
  return `${timeText(timeMs)} ${level} ${source}: ${said(message)}`;
}

function timeText(timeMs: number): string {
  const time = new Date(timeMs);
  return Number.isNaN(time.getTime()) ? '(no time)' : time.toISOString();
}

/** Sites answer with the newest line first. */
function byTime(lines: readonly FailureLogLine[]): FailureLogLine[] {
  return lines.toSorted((a, b) => a.timeMs - b.timeMs);
}
