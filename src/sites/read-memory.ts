import { isRefusal } from './site-errors.ts';

/**
 * Answers that are kept while many things are looked at which hang on them: thousands of services on a site ask the
 * same about its version, mode, folders and data stores.
 */
export class ReadMemory {
  readonly #answers = new Map<string, Promise<unknown>>();

  /** A refusal is an answer, too; a failure in passing is asked again. */
  recall<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(key);
    if (known) return known as Promise<T>;
    const answer = read();
    this.#answers.set(key, answer);
    answer.catch((error: unknown) => {
      if (!isRefusal(error)) this.#answers.delete(key);
    });
    return answer;
  }
}

/** What a single service says of itself is asked once anyway, and there are many of them. */
export function isOfWholeSite([area, ...rest]: readonly string[]): boolean {
  const isService = rest.some((segment) => /\.[A-Za-z]+Server$/.test(segment));
  return area !== 'services' || !isService || rest[0] === 'System';
}
