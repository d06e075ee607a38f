import type { SiteConfig } from '../lib/site-config.ts';
import { type RestInfo, readPublicJson, toRestInfo } from './rest-info.ts';
import type { SiteConnection } from './site-connection.ts';
import { SiteError } from './site-errors.ts';
import { requestToken, type SiteToken, type TokenRequest } from './token-service.ts';

export type LoginRequest = {
  site: string;
  config: SiteConfig;
  connection: SiteConnection;
  password: string;
  /** Turn the portal's token into one of the server: this server did not take the portal's own. */
  mustExchange: boolean;
};

/**
 * Finds the token service that knows our account and asks it, once. After a refusal no other service is asked
 * with the same password.
 */
export async function logIn(request: LoginRequest): Promise<SiteToken> {
  const { site, config } = request;
  if (config.auth.via === 'server') return logInAtServer(request, undefined);
  const discovered = await discover(request);
  if (discovered.owningSystemUrl) {
    return logInAtPortal(request, discovered.owningSystemUrl, discovered.tokenServicesUrl);
  }
  if (config.auth.via === 'auto') return logInAtServer(request, discovered);
  throw new SiteError(
    `${site} has no portal, but auth.via asks for one: write auto or server there.`,
    { site },
  );
}

/**
 * A site's own service below `/admin` first: it refuses accounts that could not publish anyhow. On a federated
 * site it knows the primary site administrator only (Esri, "Scripting with the Administrator API").
 */
async function logInAtServer(
  request: LoginRequest,
  discovered: RestInfo | undefined,
): Promise<SiteToken> {
  const { site, config } = request;
  const address = `${config.adminUrl ?? config.url}/admin/generateToken`;
  const token = await ask(request, { kind: 'server', url: address, proof: toProof(request) });
  if (token !== 'absent') return token;
  const { tokenServicesUrl } = discovered ?? (await discover(request));
  if (tokenServicesUrl) {
    const proof = toProof(request);
    const other = await ask(request, { kind: 'server', url: tokenServicesUrl, proof });
    if (other !== 'absent') return other;
  }
  throw new SiteError(
    `${site} has no token service at ${address}: most often administration is switched off on this address. ` +
      'Set adminUrl to the direct one.',
    { site, address },
  );
}

/** A federated server as a rule takes the portal's token itself; else it is exchanged. */
async function logInAtPortal(
  request: LoginRequest,
  owningSystemUrl: string,
  tokenServicesUrl: string | undefined,
): Promise<SiteToken> {
  const { site, config } = request;
  const url = tokenServicesUrl ?? `${owningSystemUrl}/sharing/rest/generateToken`;
  const token = await ask(request, { kind: 'portal', url, proof: toProof(request) });
  if (token === 'absent') {
    const message = `The portal of ${site} has no token service at ${url}.`;
    throw new SiteError(message, { site, address: url });
  }
  const portal = isAsSafeAs(config.url, owningSystemUrl) && {
    portal: { url: owningSystemUrl, token: token.value },
  };
  if (!request.mustExchange) return { ...token, ...portal };
  const proof = { token: token.value, serverUrl: config.url };
  const exchanged = await ask(request, { kind: 'exchanged', url, proof });
  return exchanged === 'absent' ? { ...token, ...portal } : { ...exchanged, ...portal };
}

function toProof({ config, password }: LoginRequest): { username: string; password: string } {
  return { username: config.auth.username, password };
}

/** TLS is not given up for an address that a site names. */
function isAsSafeAs(own: string, named: string): boolean {
  return own.startsWith('http:') || named.startsWith('https:');
}

async function ask(
  { site, config, connection }: LoginRequest,
  request: Pick<TokenRequest, 'kind' | 'url' | 'proof'>,
): Promise<SiteToken | 'absent'> {
  if (!isAsSafeAs(config.url, request.url)) {
    throw new SiteError(
      `${site} names a token service without TLS, ${request.url}: passwords are not sent there.`,
      { site, address: request.url },
    );
  }
  const timeoutMs = config.timeoutSeconds * 1000;
  return requestToken(connection, { ...request, site, referer: config.url, timeoutMs });
}

async function discover({ site, config, connection }: LoginRequest): Promise<RestInfo> {
  const answer = await readPublicJson(connection, {
    site,
    to: 'describe itself',
    url: `${config.url}/rest/info`,
    referer: config.url,
    timeoutMs: config.timeoutSeconds * 1000,
  });
  return toRestInfo(site, answer);
}
