import { z } from 'zod';
import { BooleanLike, lenient, NumberLike, parseAnswer, TextLike } from './answer-shapes.ts';
import { judgeAnswer } from './site-answer.ts';
import { type SiteConnection, WireFailure } from './site-connection.ts';
import { type Asked, fromWireFailure, toSiteFailure } from './site-failures.ts';

const RestInfoAnswer = z.looseObject({
  currentVersion: lenient(NumberLike),
  fullVersion: TextLike,
  owningSystemUrl: TextLike,
  authInfo: lenient(
    z.looseObject({ isTokenBasedSecurity: lenient(BooleanLike), tokenServicesUrl: TextLike }),
  ),
});

export type RestInfo = {
  /** Such as `10.9.1`; undefined where the site tells none. */
  version: string | undefined;
  /** Root of the portal; only a federated site has one. */
  owningSystemUrl: string | undefined;
  tokenServicesUrl: string | undefined;
  isTokenBased: boolean | undefined;
  /** The site's clock when it answered, to the second. */
  siteTimeMs: number | undefined;
};

export type PublicRead = {
  site: string;
  to: string;
  url: string;
  referer: string;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
};

/** Reads what needs no token. @throws SiteFailure */
export async function readPublicJson(
  connection: SiteConnection,
  { site, to, url, ...rest }: PublicRead,
): Promise<{ json: unknown; siteTimeMs: number | undefined }> {
  const asked: Asked = { site, to, kind: 'read' };
  try {
    const verdict = judgeAnswer(
      await connection.send({ ...rest, url: `${url}?f=json`, method: 'GET', connection: 'kept' }),
    );
    if (verdict.kind === 'json') return verdict;
    throw toSiteFailure(verdict, asked);
  } catch (error) {
    throw error instanceof WireFailure ? fromWireFailure(error, asked) : error;
  }
}

/** @see Esri, "Server Info" */
export function toRestInfo(
  site: string,
  { json, siteTimeMs }: { json: unknown; siteTimeMs: number | undefined },
): RestInfo {
  const asked: Asked = { site, to: 'describe itself', kind: 'read' };
  const answer = parseAnswer(RestInfoAnswer, json, asked);
  return {
    version: answer.fullVersion ?? toFullVersion(answer.currentVersion),
    owningSystemUrl: answer.owningSystemUrl?.replace(/\/+$/, ''),
    tokenServicesUrl: answer.authInfo?.tokenServicesUrl,
    isTokenBased: answer.authInfo?.isTokenBasedSecurity,
    siteTimeMs,
  };
}

/** `10.81` is 10.8.1, `10.91` is 10.9.1, `11.3` is 11.3. */
function toFullVersion(currentVersion: number | undefined): string | undefined {
  if (currentVersion === undefined) return undefined;
  const [major = '0', minor = '0'] = String(currentVersion).split('.');
  if (major === '10' && minor.length === 2) return `${major}.${minor[0]}.${minor[1]}`;
  return `${major}.${minor}`;
}
