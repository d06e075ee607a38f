import { createContext, Script } from 'node:vm';
import { DocumentError } from '../lib/errors.ts';

/** Far more than any pattern needs that a person writes for a path. */
const patienceMs = 250;
const script = new Script('expression.exec(text)');

/**
 * A regular expression of a caller. Some take ages on a text that nearly matches, so each use of it has a deadline.
 *
 * @throws DocumentError edit_refused for what is no regular expression, and when it takes too long
 */
export class TimedPattern {
  readonly #pattern: string;
  readonly #context: { expression: RegExp; text: string };

  constructor(pattern: string) {
    this.#pattern = pattern;
    try {
      this.#context = { expression: new RegExp(pattern, 'iu'), text: '' };
    } catch (error) {
      throw new DocumentError('edit_refused', `The pattern ${pattern} is no regular expression.`, {
        cause: error,
      });
    }
    createContext(this.#context);
  }

  /** The named parts of the first match, or nothing. */
  match(text: string): Record<string, string | undefined> | undefined {
    this.#context.text = text;
    try {
      const found = script.runInContext(this.#context, { timeout: patienceMs }) as ReturnType<
        RegExp['exec']
      >;
      return found ? { ...found.groups } : undefined;
    } catch (error) {
      throw new DocumentError(
        'edit_refused',
        `The pattern ${this.#pattern} takes too long: let no part of it repeat what repeats itself.`,
        { cause: error },
      );
    }
  }
}
