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
 * filter. A site writes its log a little late, so it is read twice.
 */
export async function readServerLog(
  publishing: Publishing,
  context: JobContext,
): Promise<{ lines: LogLine[]; unreadable?: string }> {
  const { site, wanted } = publishing;
  const { signal } = context;
  const lines = new Map<string, LogLine>();
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
    return { lines: newestLines(lines), unreadable: error.message };
  }
  return { lines: newestLines(lines) };
}

function newestLines(lines: Map<string, LogLine>): LogLine[] {
  return [...lines.values()].sort((a, b) => a.timeMs - b.timeMs).slice(-mostLogLines);
}
