import type { Log } from './log.ts';

type Opened = { name: string; close: () => unknown };

/** What a process opened, closed last first. A part that will not close does not keep the others open. */
export class Lifecycle {
  readonly #opened: Opened[] = [];
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  opened<T>(name: string, thing: T, close: (thing: T) => unknown): T {
    this.#opened.push({ name, close: () => close(thing) });
    return thing;
  }

  /** May be called twice: what is closed is forgotten. */
  async close(): Promise<void> {
    for (let next = this.#opened.pop(); next; next = this.#opened.pop()) {
      try {
        await next.close();
      } catch (error) {
        this.#log.error({ err: error, part: next.name }, 'A part did not close');
      }
    }
  }
}
