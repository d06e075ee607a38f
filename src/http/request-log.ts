import type { FastifyBaseLogger } from 'fastify';

type Bindings = Parameters<FastifyBaseLogger['child']>[0];
type Options = Parameters<FastifyBaseLogger['child']>[1];
type Words = Parameters<FastifyBaseLogger['info']>;

/** The log of one request, made when there is something to say: of most requests there is not. */
export class RequestLog implements FastifyBaseLogger {
  readonly #of: FastifyBaseLogger;
  readonly #bindings: Bindings;
  readonly #options: Options;
  #made: FastifyBaseLogger | undefined;

  constructor(of: FastifyBaseLogger, bindings: Bindings, options: Options) {
    this.#of = of;
    this.#bindings = bindings;
    this.#options = options;
  }

  get level() {
    return this.#of.level;
  }

  fatal(...words: Words): void {
    this.#log.fatal(...words);
  }

  error(...words: Words): void {
    this.#log.error(...words);
  }

  warn(...words: Words): void {
    this.#log.warn(...words);
  }

  info(...words: Words): void {
    this.#log.info(...words);
  }

  debug(...words: Words): void {
    this.#log.debug(...words);
  }

  trace(...words: Words): void {
    this.#log.trace(...words);
  }

  silent(...words: Words): void {
    this.#log.silent(...words);
  }

  child(bindings: Bindings, options?: Options): FastifyBaseLogger {
    return this.#log.child(bindings, options);
  }

  get #log(): FastifyBaseLogger {
    this.#made ??= this.#of.child(this.#bindings, this.#options);
    return this.#made;
  }
}
