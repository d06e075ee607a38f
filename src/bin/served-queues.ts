import { arcpyQueueNameOf, queueNameOf, webhookQueue } from '../jobs/job-queue.ts';
import { ConfigError } from '../lib/errors.ts';

/** What a worker serves: all that it can, or what it was told by name. */
export class ServedQueues {
  readonly #named: ReadonlySet<string> | undefined;

  /** @throws ConfigError for a name that is no queue of this configuration, or when nothing is named */
  constructor(
    named: readonly string[] | undefined,
    { sites, pool }: { sites: readonly string[]; pool: string },
  ) {
    if (!named) return;
    const queues = [
      ...[undefined, ...sites].map(queueNameOf),
      arcpyQueueNameOf(pool),
      webhookQueue,
    ];
    const unknown = named.filter((name) => !queues.includes(name));
    if (unknown.length > 0 || named.length === 0) {
      const fault =
        named.length === 0
          ? '--queues names no queue'
          : `--queues: there is no ${unknown.map((name) => `"${name}"`).join(', ')}`;
      throw new ConfigError(`${fault}. The queues of this configuration are ${queues.join(', ')}.`);
    }
    this.#named = new Set(named);
  }

  /** Names of the sites whose queues are served. */
  sitesOf(names: readonly string[]): string[] {
    return names.filter((name) => this.#has(queueNameOf(name)));
  }

  /** The queues of jobs that touch no ArcPy. */
  jobQueuesOf(sites: readonly string[]): string[] {
    const here = queueNameOf(undefined);
    return [...(this.#has(here) ? [here] : []), ...this.sitesOf(sites).map(queueNameOf)];
  }

  hasPool(pool: string): boolean {
    return this.#has(arcpyQueueNameOf(pool));
  }

  /** Whether the pool was asked for, and not only what this worker can serve. */
  needsPool(pool: string): boolean {
    return this.#named !== undefined && this.hasPool(pool);
  }

  get hasWebhooks(): boolean {
    return this.#has(webhookQueue);
  }

  #has(queue: string): boolean {
    return this.#named?.has(queue) ?? true;
  }
}

/** `site-a,here` as a list; undefined when all is meant. */
export function parseQueueNames(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== ''))];
}
