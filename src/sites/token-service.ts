import { z } from 'zod';
import { lenient, NumberLike, TextLike } from './answer-shapes.ts';
import { toFormBody } from './request-body.ts';
import { judgeAnswer, type Verdict } from './site-answer.ts';
import { type SiteConnection, WireFailure } from './site-connection.ts';
import { SiteError, type SiteFailure, SiteLoginRefusedError } from './site-errors.ts';
import { type Asked, fromWireFailure, toSiteFailure } from './site-failures.ts';

/** Asked of every token service. Longer ones are refused by some: "Client ID is required for long expiration tokens". */
const askedLifeMinutes = 60;

export type SiteToken = {
  value: string;
  /** How it was got: `exchanged` is a portal's token turned into one of the server. */
  kind: 'server' | 'portal' | 'exchanged';
  /** By our own clock. */
  requestedAtMs: number;
  lifeMs: number;
  /** On a federated site: its portal, and the token that the portal itself takes. */
  portal?: { url: string; token: string };
};

export type TokenRequest = {
  site: string;
  url: string;
  kind: SiteToken['kind'];
  referer: string;
  /** Who asks: name and password, or for an exchange the portal's token and the server. */
  proof: { username: string; password: string } | { token: string; serverUrl: string };
  timeoutMs: number;
};

const TokenAnswer = z.looseObject({ token: TextLike, expires: lenient(NumberLike) });

/**
 * One login. `absent` when there is no token service at the address, which is no word about the account.
 *
 * @throws SiteLoginRefusedError for every refusal that is not known to have another reason: the text comes in
 *   the language of the installation, and a password that is wrong must not be sent twice
 * @see Esri, "Generate Token" of the Administrator API and of the portal
 */
export async function requestToken(
  connection: SiteConnection,
  request: TokenRequest,
): Promise<SiteToken | 'absent'> {
  const asked: Asked = { site: request.site, to: 'log in', kind: 'read' };
  const requestedAtMs = Date.now();
  const verdict = await ask(connection, request, asked);
  if (verdict.kind === 'json') {
    const { data: answer } = TokenAnswer.safeParse(verdict.json);
    if (!answer?.token) throw toRefusal(request, 'it answered without a token', []);
    const lifeMs = toLifeMs(answer.expires, verdict.siteTimeMs);
    return { value: answer.token, kind: request.kind, requestedAtMs, lifeMs };
  }
  if (isAbsent(verdict)) return 'absent';
  const failure = toSiteFailure(verdict, asked);
  if (
    verdict.kind !== 'refused' ||
    failure.again !== 'never' ||
    isAboutLife(verdict.siteMessages)
  ) {
    throw failure;
  }
  throw toRefusal(request, verdict.siteMessages.join(' '), verdict.siteMessages, verdict.siteCode);
}

async function ask(
  connection: SiteConnection,
  request: TokenRequest,
  asked: Asked,
): Promise<Verdict> {
  const body = toFormBody({
    ...('token' in request.proof ? { ...request.proof, request: 'getToken' } : request.proof),
    client: 'referer',
    referer: request.referer,
    expiration: askedLifeMinutes,
    f: 'json',
  });
  try {
    return judgeAnswer(
      await connection.send({
        url: request.url,
        method: 'POST',
        referer: request.referer,
        body,
        connection: 'fresh',
        timeoutMs: request.timeoutMs,
      }),
    );
  } catch (error) {
    throw error instanceof WireFailure ? fromWireFailure(error, asked) : error;
  }
}

function isAbsent(verdict: Exclude<Verdict, { kind: 'json' }>): boolean {
  if (verdict.kind === 'refused') return verdict.siteCode === 404;
  return verdict.kind === 'foreign' && [403, 404, 405].includes(verdict.httpStatus);
}

function isAboutLife(siteMessages: string[]): boolean {
  return siteMessages.some((text) => /client id is required|expiration/i.test(text));
}

function toRefusal(
  request: TokenRequest,
  words: string,
  siteMessages: string[],
  siteCode?: number,
): SiteFailure {
  const facts = {
    site: request.site,
    siteMessages,
    address: request.url,
    ...(siteCode !== undefined && { siteCode }),
  };
  if ('token' in request.proof) {
    return new SiteError(
      `The portal of ${request.site} does not give a token for the server: ${words}`,
      facts,
    );
  }
  const { username } = request.proof;
  return new SiteLoginRefusedError(`${request.site} refused the account ${username}: ${words}`, {
    ...facts,
    account: username,
  });
}

/**
 * `expires` is text or number, and one client takes it for local time: so it only counts where it shortens
 * what was asked for, measured by the site's own clock.
 */
function toLifeMs(expires: number | undefined, siteTimeMs: number | undefined): number {
  const askedMs = askedLifeMinutes * 60_000;
  if (expires === undefined) return askedMs;
  const grantedMs = expires - (siteTimeMs ?? Date.now());
  return grantedMs > 0 && grantedMs < askedMs ? grantedMs : askedMs;
}
