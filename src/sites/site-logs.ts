import { z } from 'zod';
import { redactSecrets } from '../lib/redact.ts';
import { BooleanLike, lenient, NumberLike, parseAnswer, TextLike } from './answer-shapes.ts';
import type { CallOptions } from './site-client.ts';
import type { Site } from './sites.ts';

export type LogLevel = 'SEVERE' | 'WARNING' | 'INFO' | 'FINE' | 'VERBOSE' | 'DEBUG';

export type LogLine = {
  timeMs: number;
  level: string;
  /** Secrets masked. */
  message: string;
  /** Service or part of the site that wrote it. */
  source: string;
  machine: string;
  code?: number;
};

export type LogQuery = {
  /** By the site's clock, both ends included. */
  fromMs: number;
  toMs: number;
  /** Such as `System/PublishingTools.GPServer`; omitted: the whole site. */
  services?: readonly string[];
  /** This level and more severe ones. */
  level: LogLevel;
};

const LogPage = z.looseObject({
  hasMore: lenient(BooleanLike),
  endTime: lenient(NumberLike),
  logMessages: z.array(
    z.looseObject({
      type: TextLike,
      message: TextLike,
      time: NumberLike,
      source: TextLike,
      machine: TextLike,
      code: lenient(NumberLike),
    }),
  ),
});

const pageSize = 1_000;
const maxPages = 10;

/**
 * Log lines of a window, oldest first; of a window with more than 10 000 lines the newest. Time runs backwards
 * in the query: `startTime` is the most recent end, and the next page begins where the last one ended.
 *
 * @throws SiteFailure; needs at least a publisher, and whether every release lets one is not verified
 * @see Esri, "Query Logs"
 */
export async function readLogs(
  site: Site,
  { fromMs, toMs, services, level }: LogQuery,
  { signal }: CallOptions = {},
): Promise<LogLine[]> {
  const to = 'show its log';
  const lines = new Map<string, LogLine>();
  let startTime = Math.ceil(toMs);
  for (let page = 0; page < maxPages; page += 1) {
    const params = {
      startTime,
      endTime: Math.floor(fromMs),
      level,
      filterType: 'json',
      filter: JSON.stringify(services ? { services } : { server: '*' }),
      pageSize,
    };
    const json = await site.client.read('admin', ['logs', 'query'], { to, params, signal });
    const answer = parseAnswer(LogPage, json, { site: site.name, to, kind: 'read' });
    for (const line of answer.logMessages.map(toLogLine)) {
      lines.set(JSON.stringify(line), line); // the last moment of a page is the first of the next
    }
    if (!answer.hasMore || answer.endTime === undefined || answer.endTime >= startTime) break;
    startTime = answer.endTime;
  }
  return [...lines.values()]
    .filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs)
    .sort((one, other) => one.timeMs - other.timeMs);
}

function toLogLine(line: z.output<typeof LogPage>['logMessages'][number]): LogLine {
  return {
    timeMs: line.time,
    level: line.type ?? '',
    message: redactSecrets(line.message ?? ''),
    source: line.source ?? '',
    machine: line.machine ?? '',
    ...(line.code !== undefined && { code: line.code }),
  };
}
