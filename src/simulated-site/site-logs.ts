/** From most to least severe. Esri, "Query Logs": a level brings itself and what is more severe. */
const levels = ['SEVERE', 'WARNING', 'INFO', 'FINE', 'VERBOSE', 'DEBUG'];

export type LogEntry = {
  type: string;
  message: string;
  time: number;
  source: string;
  machine: string;
  user: string;
  code: number;
  elapsed: string;
  process: string;
  thread: string;
  methodName: string;
};

export type LogQuery = {
  /** The most recent end of the window. */
  startTime?: number;
  /** The oldest end. */
  endTime?: number;
  level: string;
  services?: string[];
  codes?: number[];
  pageSize: number;
};

export class SiteLogs {
  readonly #machine: string;
  readonly #now: () => number;
  #entries: LogEntry[] = [];

  constructor(machine: string, now: () => number) {
    this.#machine = machine;
    this.#now = now;
  }

  write(entry: Partial<LogEntry> & { type: string; message: string; source: string }): void {
    this.#entries.push({
      machine: this.#machine,
      user: '',
      code: 20010, // invented: numeric codes of log messages are not verified
      elapsed: '',
      process: '4120',
      thread: '1',
      methodName: '',
      time: this.#now(),
      ...entry,
    });
  }

  /**
   * Answers run backwards in time, and the names of the window's ends do too.
   *
   * @see Esri, "Query Logs"
   */
  query(query: LogQuery) {
    const startTime = query.startTime ?? this.#now();
    const rank = Math.max(0, levels.indexOf(query.level));
    const found = this.#entries
      .filter((entry) => entry.time <= startTime && entry.time >= (query.endTime ?? 0))
      .filter((entry) => levels.indexOf(entry.type) <= rank)
      .filter((entry) => !query.services || query.services.includes(entry.source))
      .filter((entry) => !query.codes || query.codes.includes(entry.code))
      .reverse();
    // A page ends between two milliseconds, so that no entry is on two pages or on none.
    const last = found[query.pageSize - 1]?.time ?? 0;
    const logMessages = found.filter((entry) => entry.time >= last);
    const hasMore = found.length > logMessages.length;
    const oldest = logMessages.at(-1)?.time ?? startTime;
    return {
      hasMore,
      startTime,
      endTime: hasMore ? oldest - 1 : (query.endTime ?? oldest),
      logMessages,
    };
  }

  clear(): void {
    this.#entries = [];
  }
}
