import type { Verdict } from './site-answer.ts';
import type { WireFailure } from './site-connection.ts';
import {
  OutcomeUnknownError,
  SiteAnswerError,
  SiteBusyError,
  SiteClosedError,
  SiteError,
  type SiteFacts,
  type SiteFailure,
  SiteInsufficientPrivilegeError,
  SiteUnreachableError,
} from './site-errors.ts';

/** What was asked of a site, for telling what a failure means and for saying so. */
export type Asked = {
  site: string;
  /** Ends the sentence "The site refused to …". */
  to: string;
  /** A lost answer to a read is harmless; after a change somebody has to look. */
  kind: 'read' | 'change';
};

/** Failures are told apart here and nowhere else; `again` of what comes back says what a next try may do. */
export function toSiteFailure(
  verdict: Exclude<Verdict, { kind: 'json' }>,
  asked: Asked,
): SiteFailure {
  if (verdict.kind === 'refused') return fromRefusal(verdict, asked);
  if (verdict.kind === 'foreign') return fromForeignAnswer(verdict, asked);
  const { from, to, httpStatus } = verdict;
  return new SiteError(
    `${asked.site} was asked to ${asked.to}, and ${from} redirects to ${to}: a redirect loses what was sent, ` +
      'so it is not followed. Write the second address into the configuration.',
    { site: asked.site, httpStatus, address: from, redirectsTo: to },
  );
}

/** Texts seen at sites whose configuration store somebody else holds. */
const busyTexts = /another administrative operation/i;
const upgradeText = /upgrade in progress/i;
const permissionText = /do not have permissions?/i;

function fromRefusal(
  { httpStatus, siteCode, siteMessages }: Extract<Verdict, { kind: 'refused' }>,
  asked: Asked,
): SiteFailure {
  const words = siteMessages.join(' ') || 'it gave no reason';
  const facts: SiteFacts = {
    site: asked.site,
    siteMessages,
    httpStatus,
    ...(siteCode !== undefined && { siteCode }),
  };
  const refused = `${asked.site} refused to ${asked.to}: ${words}`;
  if (busyTexts.test(words)) {
    const message = `${asked.site} is busy with another administrative operation, and did not ${asked.to}.`;
    return new SiteBusyError(message, facts);
  }
  if (upgradeText.test(words)) {
    return new SiteClosedError('site_upgrading', `${asked.site} is being upgraded.`, facts);
  }
  if (siteCode === 498 || siteCode === 499)
    return new SiteError(toTokenAdvice(refused, siteCode), facts);
  // The body of a refusal for a too low role is not verified for the Administrator API; 403 is assumed.
  if (siteCode === 403 || permissionText.test(words)) {
    return new SiteInsufficientPrivilegeError(refused, facts);
  }
  if (isGatewayTrouble(siteCode) || isGatewayTrouble(httpStatus)) {
    return fromGatewayTrouble(words, facts, asked);
  }
  return new SiteError(refused, facts);
}

function toTokenAdvice(refused: string, siteCode: number): string {
  const advice =
    siteCode === 499
      ? 'A token was sent: most often a proxy or redirect before the site removes it. Use the direct address.'
      : 'A new login did not help: most often the token is bound to another referer.';
  return `${refused} ${advice}`;
}

function isGatewayTrouble(code: number | undefined): boolean {
  return code === 502 || code === 503 || code === 504;
}

function fromGatewayTrouble(words: string, facts: SiteFacts, asked: Asked): SiteFailure {
  if (asked.kind === 'read') {
    return new SiteUnreachableError(
      `${asked.site} could not be reached to ${asked.to}: ${words}`,
      facts,
    );
  }
  return new OutcomeUnknownError(
    `${asked.site} was asked to ${asked.to}, and what stands before it answered instead: ${words}. ` +
      'The site may have done it all the same.',
    facts,
  );
}

/** An answer that ArcGIS Server does not give: a page of a proxy, of a web server, or of a login form. */
function fromForeignAnswer(
  { httpStatus, excerpt, url }: Extract<Verdict, { kind: 'foreign' }>,
  asked: Asked,
): SiteFailure {
  const facts: SiteFacts = { site: asked.site, httpStatus, answerExcerpt: excerpt, address: url };
  const start = `HTTP ${httpStatus}, ${toFirstWords(excerpt)}`;
  if (isGatewayTrouble(httpStatus)) return fromGatewayTrouble(start, facts, asked);
  if (httpStatus === 429) {
    return new SiteBusyError(
      `Something before ${asked.site} asks for fewer requests: ${start}`,
      facts,
    );
  }
  if (httpStatus >= 400 && httpStatus < 500) {
    return new SiteError(
      `Something before ${asked.site} refused to ${asked.to}: ${start}. ArcGIS Server itself was not reached.` +
        toAddressAdvice(httpStatus, url),
      facts,
    );
  }
  if (asked.kind === 'change') {
    return new OutcomeUnknownError(
      `${asked.site} was asked to ${asked.to} and the answer is not one of ArcGIS Server: ${start}. ` +
        'The site may have done it all the same.',
      facts,
    );
  }
  return new SiteAnswerError(
    `${asked.site} was asked to ${asked.to} and the answer is not one of ArcGIS Server: ${start}`,
    facts,
  );
}

function toAddressAdvice(httpStatus: number, url: string): string {
  if (httpStatus === 401) {
    return ' It asks for a Windows or certificate login: set adminUrl to the direct address (port 6443) and use a built-in account.';
  }
  if (httpStatus === 413)
    return ' Use the direct admin address (adminUrl, port 6443) or raise the limit.';
  if ((httpStatus === 403 || httpStatus === 404) && url.includes('/admin')) {
    return ' Most often administration is switched off on this address: set adminUrl to the direct one.';
  }
  return '';
}

/** The visible words of a page, enough to recognise it by. */
function toFirstWords(excerpt: string): string {
  const text = excerpt
    .replace(/<(style|script)[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return text === '' ? 'an empty answer' : `"${text.slice(0, 160)}"`;
}

export function fromWireFailure(failure: WireFailure, asked: Asked): SiteFailure {
  const facts: SiteFacts = { site: asked.site, address: failure.url, fault: failure.message };
  const options = { cause: failure };
  const host = new URL(failure.url).host;
  if (failure.fault === 'certificate') return fromCertificate(failure, facts, asked);
  if (failure.fault === 'unreadable_ca') {
    const message = `The file sites.${asked.site}.tls.ca cannot be read (${failure.message}).`;
    return new SiteError(message, facts, options);
  }
  if (asked.kind === 'change' && failure.wasSent) {
    return new OutcomeUnknownError(
      `${asked.site} was asked to ${asked.to} and no whole answer came back (${failure.message}). ` +
        'The site may have done it all the same.',
      facts,
      options,
    );
  }
  if (failure.fault === 'too_large') {
    const message = `The answer of ${asked.site} when asked to ${asked.to} is too large (${failure.message}).`;
    return new SiteError(message, facts, options);
  }
  const message = `${asked.site} could not be reached at ${host} to ${asked.to} (${failure.message}).`;
  return new SiteUnreachableError(message, facts, options);
}

function fromCertificate(failure: WireFailure, facts: SiteFacts, { site }: Asked): SiteFailure {
  const { certificate, url } = failure;
  const shown = certificate
    ? `a certificate for ${certificate.names.join(', ')} by ${certificate.issuer}, valid to ${certificate.validTo}, that is not trusted`
    : 'no certificate that can be trusted';
  return new SiteError(
    `${new URL(url).host} shows ${shown} (${failure.message}). Put its issuer into sites.${site}.tls.ca, ` +
      'or address the host by a name in the certificate.',
    { ...facts, ...(certificate && { certificate }) },
    { cause: failure },
  );
}
