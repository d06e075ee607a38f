import { randomBytes } from 'node:crypto';
import type { Privilege } from './settings.ts';
import { SiteRefusal } from './site-refusal.ts';

export type Account = { username: string; password: string; privilege: Privilege };

/** What a token is good for: `address` binds it to the peer the site sees, which may be a proxy. */
export type TokenBinding =
  | { kind: 'referer'; referer: string }
  | { kind: 'address'; address: string };

export type Token = {
  value: string;
  username: string;
  privilege: Privilege;
  binding: TokenBinding;
  issuer: 'server' | 'portal' | 'exchange';
  /** Who asked for it: processes that share an account say who they are. */
  userAgent: string | undefined;
  issuedAt: number;
  expiresAt: number;
};

const lockAfterFailures = 3;

/** The site's memory of who logged in. */
export class Tokens {
  readonly #accounts: Account[];
  readonly #now: () => number;
  readonly #byValue = new Map<string, Token>();
  readonly #failures = new Map<string, number>();

  constructor(accounts: Account[], now: () => number) {
    this.#accounts = accounts;
    this.#now = now;
  }

  /**
   * Names are case-sensitive (Esri, "Generate Token"). After more than three failures the account stays
   * locked; how many a real site bears depends on its identity store, not verified.
   *
   * @returns the account, or why not
   */
  logIn(username: string, password: string): Account | 'refused' | 'locked' {
    const failures = this.#failures.get(username) ?? 0;
    const account = this.#accounts.find((one) => one.username === username);
    if (failures > lockAfterFailures) return 'locked';
    if (account && account.password === password) {
      this.#failures.delete(username);
      return account;
    }
    this.#failures.set(username, failures + 1);
    return failures + 1 > lockAfterFailures ? 'locked' : 'refused';
  }

  issue(
    account: Pick<Account, 'username' | 'privilege'>,
    token: Pick<Token, 'binding' | 'issuer' | 'userAgent'> & { lifeMs: number },
  ): Token {
    const issuedAt = this.#now();
    const issued: Token = {
      value: randomBytes(32).toString('base64url'),
      username: account.username,
      privilege: account.privilege,
      binding: token.binding,
      issuer: token.issuer,
      userAgent: token.userAgent,
      issuedAt,
      expiresAt: issuedAt + token.lifeMs,
    };
    this.#byValue.set(issued.value, issued);
    return issued;
  }

  /** @throws SiteRefusal 498 with the text of an expired or an unknown token */
  find(value: string): Token {
    const token = this.#byValue.get(value);
    // The text for a token that never was one is not verified for the Administrator API.
    if (!token) throw new SiteRefusal(498, 'Invalid token.');
    if (token.expiresAt <= this.#now()) throw new SiteRefusal(498, 'Token Expired.');
    return token;
  }

  expire(value: string): void {
    const token = this.#byValue.get(value);
    if (token) token.expiresAt = 0;
  }

  expireAll(): void {
    for (const token of this.#byValue.values()) token.expiresAt = 0;
  }

  valid(): Token[] {
    return [...this.#byValue.values()].filter((token) => token.expiresAt > this.#now());
  }

  reset(): void {
    this.#byValue.clear();
    this.#failures.clear();
  }
}
