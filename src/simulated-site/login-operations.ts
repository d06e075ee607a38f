import type { Call, Operation } from './operation.ts';
import { SiteRefusal } from './site-refusal.ts';
import { primarySiteAdministrator, type SiteState } from './site-state.ts';
import type { Account, Token, TokenBinding } from './tokens.ts';

/** Texts of a refused login: each token service has its own. */
const serverRefusal = new SiteRefusal(
  undefined,
  'Failed to log in. Invalid username or password specified.',
);
export const tokenServiceRefusal = new SiteRefusal(
  400,
  'Unable to generate token.',
  'Invalid username or password.',
);

export function loginOperations(site: SiteState): Operation[] {
  return [
    {
      name: 'login',
      paths: ['/admin/generateToken'],
      face: 'admin',
      access: 'nobody-known',
      methods: 'POST',
      isPlainText: true,
      handle: (call) => logInAtServer(site, call),
    },
    {
      name: 'login',
      paths: ['/tokens/generateToken', '/tokens'],
      face: 'rest',
      access: 'nobody-known',
      methods: 'POST',
      handle: (call) => {
        const account = logIn(site, call, tokenServiceRefusal);
        return toAnswer(issue(site, call, account, readBinding(call)));
      },
    },
  ];
}

/**
 * User-level accounts are refused here, and on a federated site everyone but the primary site administrator.
 *
 * @see Esri, "Generate Token" of the Administrator API
 */
function logInAtServer(site: SiteState, call: Call): object {
  const account = logIn(site, call, serverRefusal);
  const isStranger = site.settings.federated && account.username !== primarySiteAdministrator;
  if (isStranger || account.privilege === 'ACCESS') throw serverRefusal;
  return toAnswer(issue(site, call, account, readBinding(call)));
}

/** `expires` is text in documentation and in what clients parse. */
function toAnswer(token: Token): object {
  return { token: token.value, expires: String(token.expiresAt) };
}

export function logIn(site: SiteState, call: Call, refusal: SiteRefusal): Account {
  const { username = '', password = '', encrypted } = call.params;
  if (encrypted === 'true') throw new SiteRefusal(400, 'Encrypted logins are not simulated.');
  noteStorm(site, username, call.userAgent);
  if (site.faults.take('refuse-login', call.operation.name)) throw refusal;
  const account = site.tokens.logIn(username, password);
  if (account === 'locked') {
    site.violations.record('account-locked', `too many failed logins of ${username}`);
    throw refusal;
  }
  if (account === 'refused') throw refusal;
  return account;
}

/** A client that logs in again within a second although it has a token wears the site out. */
function noteStorm(site: SiteState, username: string, userAgent: string | undefined): void {
  const fresh = site.tokens
    .valid()
    .filter((token) => token.issuer !== 'exchange' && token.username === username)
    .filter((token) => token.userAgent === userAgent)
    .some((token) => site.now() - token.issuedAt < 1000);
  if (fresh) site.violations.record('login-storm', `${username} logged in twice within a second`);
}

export function issue(
  site: SiteState,
  call: Call,
  account: Account,
  binding: TokenBinding,
  issuer: Token['issuer'] = 'server',
): Token {
  const asked = Number(call.params.expiration ?? site.settings.tokenMinutes);
  if (!(asked > 0)) throw new SiteRefusal(400, "The parameter 'expiration' is not valid.");
  const minutes = Math.min(asked, site.settings.tokenMinutes);
  const { userAgent } = call;
  return site.tokens.issue(account, { binding, issuer, userAgent, lifeMs: minutes * 60_000 });
}

/** The page of 10.1 spells it `referrer`. A portal takes `referer` for granted when one is sent. */
export function readBinding({ params, peer }: Call): TokenBinding {
  const referer = params.referer ?? params.referrer;
  const client = params.client ?? (referer ? 'referer' : undefined);
  if ((client === 'referer' || client === 'referrer') && referer) {
    return { kind: 'referer', referer };
  }
  if (client === 'requestip') return { kind: 'address', address: peer };
  if (client === 'ip' && params.ip) return { kind: 'address', address: params.ip };
  throw new SiteRefusal(400, "The parameter 'client' is missing or incomplete.");
}
