import { redactSecrets } from '../lib/redact.ts';

/** A whole answer as it came over the wire. */
export type WireAnswer = {
  url: string;
  httpStatus: number;
  headers: { date?: string; location?: string; contentType?: string };
  text: string;
};

/**
 * What an answer means. `refused` are the site's own words; `foreign` is an answer the site would not
 * give: the page of a proxy, a web server or a login form.
 */
export type Verdict =
  | { kind: 'json'; json: unknown; siteTimeMs: number | undefined }
  | { kind: 'refused'; httpStatus: number; siteCode?: number; siteMessages: string[] }
  | { kind: 'redirected'; httpStatus: number; from: string; to: string }
  | { kind: 'foreign'; httpStatus: number; url: string; excerpt: string };

const excerptChars = 2_000;

/**
 * Three envelopes are in use, and HTTP's status does not tell: a site may answer 200 and refuse. JSON is
 * known by its content, for it may be labelled `text/plain`.
 *
 * @see Esri, ArcGIS Server Administrator API, "Operation Response"
 */
export function judgeAnswer(answer: WireAnswer): Verdict {
  const { httpStatus, url } = answer;
  if (httpStatus >= 300 && httpStatus < 400) {
    const to = redactSecrets(answer.headers.location ?? 'an unnamed address');
    return { kind: 'redirected', httpStatus, from: url, to };
  }
  const json = toJson(answer.text);
  const refusal = json === undefined ? undefined : readRefusal(json);
  if (refusal) return { kind: 'refused', httpStatus, ...refusal };
  if (json === undefined || httpStatus >= 400) {
    const excerpt = redactSecrets(answer.text.slice(0, excerptChars));
    return { kind: 'foreign', httpStatus, url, excerpt };
  }
  const siteTimeMs = Date.parse(answer.headers.date ?? '');
  return { kind: 'json', json, siteTimeMs: Number.isNaN(siteTimeMs) ? undefined : siteTimeMs };
}

/** An object or array; anything else is no answer of a site. */
function toJson(text: string): object | undefined {
  try {
    const json: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    return typeof json === 'object' && json !== null ? json : undefined;
  } catch {
    return undefined; // HTML and XML pages occur; the verdict keeps their beginning
  }
}

type Refusal = { siteCode?: number; siteMessages: string[] };

function readRefusal(json: object): Refusal | undefined {
  const body = json as Record<string, unknown>;
  if (typeof body.error === 'object' && body.error !== null) {
    const error = body.error as Record<string, unknown>;
    return toRefusal(error.code ?? 500, [error.message, error.details, body.messages]);
  }
  if (typeof body.error === 'string' && body.error !== '') {
    return toRefusal(body.code ?? 400, [body.error, body.error_description]); // OAuth's form
  }
  if (body.status === 'error' || body.status === 'failed') {
    return toRefusal(body.code, [body.messages, body.message]);
  }
  if (body.success === false) return toRefusal(body.code ?? 500, [body.messages, body.message]);
  return undefined;
}

function toRefusal(code: unknown, texts: unknown[]): Refusal {
  const siteCode = Number(code ?? Number.NaN);
  const siteMessages = texts
    .flat()
    .filter((text): text is string => typeof text === 'string' && text.trim() !== '')
    .map((text) => redactSecrets(text.trim()));
  return {
    ...(Number.isFinite(siteCode) && { siteCode }),
    siteMessages: [...new Set(siteMessages)],
  };
}

/** The site says that the token it was shown is no longer, or not, good: 498 and 499 in both envelopes. */
export function isTokenRefused(verdict: Verdict): boolean {
  if (verdict.kind !== 'refused') return false;
  if (verdict.siteCode === 498 || verdict.siteCode === 499) return true;
  return (
    verdict.siteCode === undefined &&
    verdict.siteMessages.some((text) => /^token expired|token not found/i.test(text))
  );
}
