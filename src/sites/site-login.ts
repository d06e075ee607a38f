import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { ResolveSecret, SecretReference } from '../lib/secret-reference.ts';
import type { SiteConfig } from '../lib/site-config.ts';
import { logIn } from './log-in.ts';
import type { SiteConnection } from './site-connection.ts';
import { SiteLoginRefusedError } from './site-errors.ts';
import type { SiteToken } from './token-service.ts';

/** Renewed this long before its end, or after four fifths of a short life. */
const renewalMarginMs = 5 * 60_000;

type Refused = { secretDigest: string; error: SiteLoginRefusedError };

export type TokenWish = {
  /** How long it is needed; a site that grants less than twice this is satisfied with half of what it grants. */
  lifeMs?: number;
  signal?: AbortSignal | undefined;
};

/**
 * The session of this process with one site. One login at a time; whoever needs a token meanwhile waits for
 * that one. A refused password is remembered and not sent again, for repeats lock accounts.
 */
export class SiteLogin {
  readonly #site: string;
  readonly #config: SiteConfig;
  readonly #connection: SiteConnection;
  readonly #resolveSecret: ResolveSecret;
  #token: SiteToken | undefined;
  #underWay: Promise<SiteToken> | undefined;
  #refused: Refused | undefined;
  #mustExchange = false;
  readonly #accepted = new WeakSet<SiteToken>();

  constructor(
    site: string,
    config: SiteConfig,
    deps: { connection: SiteConnection; resolveSecret: ResolveSecret },
  ) {
    this.#site = site;
    this.#config = config;
    this.#connection = deps.connection;
    this.#resolveSecret = deps.resolveSecret;
  }

  /** @throws SiteLoginRefusedError without asking the site, while the refused secret is the same */
  async getToken({ lifeMs = 0, signal }: TokenWish): Promise<SiteToken> {
    signal?.throwIfAborted();
    if (this.#token && isGoodFor(this.#token, lifeMs)) return this.#token;
    this.#underWay ??= this.#logIn().finally(() => {
      this.#underWay = undefined;
    });
    return untilAborted(this.#underWay, signal);
  }

  /** The server took this token: from now on a 498 means that it ended, not that it is of the wrong kind. */
  wasAccepted(token: SiteToken): void {
    this.#accepted.add(token);
  }

  /**
   * Another token after the site refused this one; undefined when nothing is left to try. A portal's own token
   * that the server never took is exchanged for one of the server's.
   */
  async replaceRefused(
    refused: SiteToken,
    { isFirstTime, signal }: { isFirstTime: boolean; signal?: AbortSignal | undefined },
  ): Promise<SiteToken | undefined> {
    const needsExchange = refused.kind === 'portal' && !this.#accepted.has(refused);
    if (!isFirstTime && (!needsExchange || this.#mustExchange)) return undefined;
    if (this.#token === refused) this.#token = undefined; // else somebody has renewed it meanwhile
    if (needsExchange) this.#mustExchange = true;
    return this.getToken({ signal });
  }

  /** Somebody looked after the account: the next login may be tried even with the same secret. */
  holdReleased(): void {
    this.#refused = undefined;
  }

  async #logIn(): Promise<SiteToken> {
    const password = await this.#readPassword();
    const secretDigest = createHash('sha256').update(password).digest('hex');
    if (this.#refused?.secretDigest === secretDigest) throw this.#refused.error;
    try {
      this.#token = await logIn({
        site: this.#site,
        config: this.#config,
        connection: this.#connection,
        password,
        mustExchange: this.#mustExchange,
      });
      this.#refused = undefined;
      return this.#token;
    } catch (error) {
      if (error instanceof SiteLoginRefusedError) this.#refused = { secretDigest, error };
      throw error;
    }
  }

  /** A secret that cannot be read holds a site like one that is wrong: it is mended at the same place. */
  async #readPassword(): Promise<string> {
    const reference = this.#config.auth.password;
    try {
      return await this.#resolveSecret(reference);
    } catch (error) {
      throw new SiteLoginRefusedError(
        `${this.#site} was not asked to log in ${this.#config.auth.username}: ${describe(reference)} cannot be read.`,
        { site: this.#site, account: this.#config.auth.username },
        { cause: error },
      );
    }
  }
}

function describe(reference: SecretReference): string {
  return 'env' in reference
    ? `the environment variable ${reference.env}`
    : `the secret file ${basename(reference.file)}`;
}

function isGoodFor(token: SiteToken, lifeMs: number): boolean {
  const marginMs = Math.min(renewalMarginMs, token.lifeMs / 5);
  const neededMs = Math.max(marginMs, Math.min(lifeMs, token.lifeMs / 2));
  return token.requestedAtMs + token.lifeMs - Date.now() > neededMs;
}

/** The work itself goes on: others may be waiting for it too. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
