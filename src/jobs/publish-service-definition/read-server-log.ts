import { GatewayError } from '../../lib/errors.ts';
import { toText } from '../../sites/service-target.ts';
import { type LogLine, readLogs } from '../../sites/site-logs.ts';
import { readClockSkewMs } from '../../sites/site-reader.ts';
import type { JobContext } from '../job-type.ts';
import type { Publishing } from './publishing-context.ts';

/** Around the job, by the site's clock. */
const windowMs = 5_000;
const mostLogLines = 50;

/**
 * Three sources belong to a publish: the publishing tools, the service itself, and the site without a
 * filter. A site writes its log a little late, so it is read twice. What it says of other site jobs is left out.
 */
export async function readServerLog(
  publishing: Publishing,
  context: JobContext,
  siteJobId: string | undefined,
): Promise<{ lines: LogLine[]; unreadable?: string }> {
  const { site, wanted } = publishing;
  const { signal } = context;
  const lines = new Map<string, LogLine>();
  const chosen = () => chooseLines([...lines.values()], { siteJobId, service: toText(wanted) });
  try {
    const skewMs = (await readClockSkewMs(site, { signal })) ?? 0;
    const fromMs = context.startedMs() + skewMs - windowMs;
    const sources = [
      ['System/PublishingTools.GPServer', 'System/PublishingToolsEx.GPServer'],
      [toText(wanted)],
      undefined,
    ];
    for (const isLast of [false, true]) {
      const toMs = Date.now() + skewMs + windowMs;
      for (const services of sources) {
        const read = await readLogs(
          site,
          { fromMs, toMs, level: 'WARNING', ...(services && { services }) },
          { signal },
        );
        for (const line of read) lines.set(`${line.timeMs} ${line.source} ${line.message}`, line);
      }
      if (!isLast) await context.pause(context.timing.logSettleMs);
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { lines: chosen(), unreadable: error.message };
  }
  return { lines: chosen() };
}

const siteJobPattern = /\bj[0-9a-f]{32}\b/i;

/**
 * In order of time. Others publish at the same time, and what failed for them explains nothing here; of too many
 * lines those about our job and our service stay.
 */
export function chooseLines(
  lines: readonly LogLine[],
  { siteJobId, service }: { siteJobId: string | undefined; service: string },
): LogLine[] {
  const isOurs = ({ source, message }: LogLine) =>
    (siteJobId !== undefined && message.includes(siteJobId)) ||
    source.toLowerCase() === service.toLowerCase();
  const isOfOthers = (line: LogLine) =>
    siteJobId !== undefined && !isOurs(line) && siteJobPattern.test(line.message);
  const newestFirst = lines.filter((line) => !isOfOthers(line)).sort((a, b) => b.timeMs - a.timeMs);
  const ours = newestFirst.filter(isOurs);
  const rest = newestFirst.filter((line) => !isOurs(line));
  return [...ours, ...rest].slice(0, mostLogLines).sort((a, b) => a.timeMs - b.timeMs);
}
