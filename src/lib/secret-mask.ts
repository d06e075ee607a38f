const mask = '***';
/** Shorter ones would be found inside ordinary words, and hide nothing that could not be guessed. */
const leastInWords = 4;
/** What programs read again is touched only for what cannot be there by chance. */
const leastInData = 8;
/** Members of results and records that hold words for people, those of sites among them. */
const textMembers = new Set([
  'detail',
  'message',
  'messages',
  'reason',
  'siteMessages',
  'warnings',
]);

/** Secrets that are in use at the moment, so that they can be masked wherever somebody repeats them. */
export class SecretMask {
  readonly #values = new Set<string>();

  /** Also as it looks inside JSON and in an address. */
  add(value: string): void {
    if (value.length < leastInWords) return;
    const inJson = JSON.stringify(value).slice(1, -1);
    const inAddress = encodeURIComponent(value);
    const inForm = new URLSearchParams({ value }).toString().slice('value='.length);
    for (const form of [value, inJson, inAddress, inForm]) this.#values.add(form);
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  /** For texts that people read. */
  inText(text: string): string {
    return this.#replace(text, leastInWords);
  }

  /** Every string in a JSON value that people read. */
  inTexts<T>(value: T): T {
    return this.#deep(value, leastInWords);
  }

  /** Every string in a JSON value that programs read again; what its members call a message is text all the same. */
  inData<T>(value: T): T {
    return this.#deep(value, leastInData);
  }

  /** A copy for the log, with the same name and stack. */
  inError(error: unknown): unknown {
    if (this.isEmpty || !(error instanceof Error)) return error;
    const shown = new Error(this.inText(error.message));
    shown.name = error.name;
    if (error.stack) shown.stack = this.inText(error.stack);
    return shown;
  }

  #deep<T>(value: T, least: number): T {
    if (this.isEmpty) return value;
    return this.#inner(value, least) as T;
  }

  #inner(value: unknown, least: number): unknown {
    if (typeof value === 'string') return this.#replace(value, least);
    if (Array.isArray(value)) return value.map((each) => this.#inner(each, least));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        this.#inner(inner, textMembers.has(key) ? leastInWords : least),
      ]),
    );
  }

  /** Longest first: one secret may begin with another. */
  #replace(text: string, least: number): string {
    return [...this.#values]
      .filter((value) => value.length >= least)
      .sort((one, other) => other.length - one.length)
      .reduce((masked, value) => masked.replaceAll(value, mask), text);
  }
}
