import type { FastifyRequest } from 'fastify';
import type { Call } from './operation.ts';
import type { Privilege } from './settings.ts';
import { SiteRefusal } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';
import type { Token } from './tokens.ts';

const ranks: Record<Privilege, number> = { ACCESS: 0, PUBLISH: 1, ADMINISTER: 2 };

/** In the query, in the body, in a part of it, or in a header of its own (not `Authorization`). */
export function readToken(
  request: FastifyRequest,
  params: Record<string, string>,
): string | undefined {
  const header = request.headers['x-esri-authorization'];
  const bearer = /^Bearer\s+(\S+)$/i.exec(String(header ?? ''))?.[1];
  return params.token || bearer || undefined;
}

/** Lets a call in or throws what the site says to strangers. */
export function authenticate(
  site: SiteState,
  call: Omit<Call, 'token'>,
  value: string | undefined,
): Token | undefined {
  const { access, face } = call.operation;
  if (access === 'nobody-known') return undefined;
  if (!value) {
    // A new service of a federated site belongs to its publisher, so it is not public.
    if (access === 'anyone' && !(isService(call) && isClosed(site, call))) return undefined;
    throw face === 'admin'
      ? new SiteRefusal(
          499,
          "Unauthorized access. Token not found. You can generate a token using the 'generateToken' operation.",
        )
      : new SiteRefusal(499, 'Token Required');
  }
  if (site.faults.take('expire-token', call.operation.name)) site.tokens.expire(value);
  const token = findToken(site, call, value);
  checkBinding(site, call, token);
  if (access !== 'anyone' && ranks[token.privilege] < ranks[access]) {
    // The body of this refusal on the Administrator API is not verified.
    throw new SiteRefusal(
      403,
      'You do not have permissions to access this resource or perform this operation.',
    );
  }
  return token;
}

/** Whether strangers may not use it: on a stand-alone site everybody may what nobody has closed. */
function isClosed(site: SiteState, { names }: Omit<Call, 'token'>): boolean {
  if (site.settings.federated) return true;
  const { folder = '', name = '' } = names;
  const service = site.services
    .inFolder(folder, 'rest')
    .find(({ json }) => json.serviceName.toLowerCase() === name.toLowerCase());
  const entry = service?.permissions.find(({ principal }) => principal === 'esriEveryone');
  return entry?.isAllowed === false;
}

function isService({ operation }: Omit<Call, 'token'>): boolean {
  return operation.paths.some((path) => path.includes('/:type'));
}

function findToken(site: SiteState, { operation }: Omit<Call, 'token'>, value: string): Token {
  try {
    const token = site.tokens.find(value);
    const isForPortal = operation.face === 'portal';
    const refused = token.issuer === 'portal' && site.faults.look('portal-token-refused');
    if (!isForPortal && refused) throw new SiteRefusal(498, 'Invalid token.');
    return token;
  } catch (error) {
    if (operation.face === 'admin') throw error;
    throw new SiteRefusal(498, 'Invalid token.');
  }
}

/** Each request has to carry the `Referer` that the token was asked for, or one that begins with it. */
function checkBinding(site: SiteState, call: Omit<Call, 'token'>, { binding }: Token): void {
  const { name, face } = call.operation;
  if (binding.kind === 'address') {
    const isRest = face === 'rest' && site.faults.look('client-id-mismatch');
    if (binding.address === call.peer && !isRest) return;
    throw new SiteRefusal(498, 'Invalid token. ClientID does not match.');
  }
  if (call.referer?.startsWith(binding.referer)) return;
  const rule = call.referer === undefined ? 'referer-missing' : 'referer-mismatch';
  site.violations.record(rule, `${name} ${call.path}: the token is bound to another referer`);
  // The code for a wrong referer is not verified.
  throw new SiteRefusal(498, 'Invalid token.');
}
