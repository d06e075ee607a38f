import { type Again, type ErrorCode, GatewayError } from '../lib/errors.ts';
import { redactDeep, redactSecrets } from '../lib/redact.ts';

/** What is known of a failure between us and a site. Goes into the problem that callers see. */
export type SiteFacts = {
  site: string;
  /** The site's own words. */
  siteMessages?: string[];
  /** `code` of the site's envelope, which stands in an answer whose HTTP status is mostly 200. */
  siteCode?: number;
  httpStatus?: number;
  /** First 2 kB of an answer that was no JSON: mostly a page of a proxy or web server. */
  answerExcerpt?: string;
  [more: string]: unknown;
};

/** Everything that goes wrong between us and a site. Message and facts are masked here, once. */
export abstract class SiteFailure extends GatewayError {
  abstract override readonly code: ErrorCode;
  readonly site: string;
  readonly siteMessages: string[];
  readonly siteCode: number | undefined;
  readonly httpStatus: number | undefined;

  constructor(message: string, facts: SiteFacts, options: ErrorOptions = {}) {
    super(redactSecrets(message), { ...options, facts: redactDeep(facts) as SiteFacts });
    this.site = facts.site;
    this.siteMessages = (facts.siteMessages ?? []).map(redactSecrets);
    this.siteCode = facts.siteCode;
    this.httpStatus = facts.httpStatus;
  }
}

/** Somebody else's administrative operation holds the site. Nothing was changed. */
export class SiteBusyError extends SiteFailure {
  override readonly name = 'SiteBusyError';
  readonly code = 'site_busy';
  override readonly again = 'now';
}

/** No connection, or a read without an answer. Nothing was changed. */
export class SiteUnreachableError extends SiteFailure {
  override readonly name = 'SiteUnreachableError';
  readonly code = 'site_unreachable';
  override readonly again = 'now';
}

/** The site takes no changes for a while. Nothing was changed. */
export class SiteClosedError extends SiteFailure {
  override readonly name = 'SiteClosedError';
  readonly code: 'site_read_only' | 'site_upgrading';
  override readonly again = 'later';

  constructor(
    code: 'site_read_only' | 'site_upgrading',
    message: string,
    facts: SiteFacts,
    options?: ErrorOptions,
  ) {
    super(message, facts, options);
    this.code = code;
  }
}

/** Our account was refused. It is not tried again by itself: repeats lock accounts. */
export class SiteLoginRefusedError extends SiteFailure {
  override readonly name = 'SiteLoginRefusedError';
  readonly code = 'site_login_refused';
}

/** Our account is known, and may not do this. */
export class SiteInsufficientPrivilegeError extends SiteFailure {
  override readonly name = 'SiteInsufficientPrivilegeError';
  readonly code = 'site_insufficient_privilege';
}

/** The site's own refusal, or an answer that is none; the same request would meet the same. */
export class SiteError extends SiteFailure {
  override readonly name = 'SiteError';
  readonly code = 'site_error';
}

/**
 * A page, or nothing, where the answer to a read should be: proxies show one now and then while a site is well.
 * It tells nothing about what was asked, so it is no refusal; what stays so is an error in the end.
 */
export class SiteAnswerError extends SiteFailure {
  override readonly name = 'SiteAnswerError';
  readonly code = 'site_error';
  override readonly again = 'now';
}

/** A request that changes something was sent and no whole answer came: the site may have done it. */
export class OutcomeUnknownError extends SiteFailure {
  override readonly name = 'OutcomeUnknownError';
  readonly code = 'site_timeout';
  override readonly again: Again = 'look';
}

/** True for "there is no such thing": the text is seen with and without its code. */
export function isNotFound(error: unknown): error is SiteError {
  if (!(error instanceof SiteError)) return false;
  if (error.siteCode !== undefined) return error.siteCode === 404;
  return error.siteMessages.some((text) => /could not find resource or operation/i.test(text));
}

/** True for a no, and for a page in its place: for what can be done without. */
export function tellsNothing(error: unknown): boolean {
  return isRefusal(error) || error instanceof SiteAnswerError;
}

/** True when an answer came and it was a no; false for what never reached the site. */
export function isRefusal(error: unknown): error is SiteError | SiteInsufficientPrivilegeError {
  return (
    (error instanceof SiteError || error instanceof SiteInsufficientPrivilegeError) &&
    error.httpStatus !== undefined
  );
}
