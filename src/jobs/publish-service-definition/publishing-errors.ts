import { type Again, type ErrorCode, GatewayError } from '../../lib/errors.ts';

/** The request is understood, and the site or the definition stands against it. Nothing was changed. */
export class NotPublishableError extends GatewayError {
  override readonly name = 'NotPublishableError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, facts: Record<string, unknown> = {}) {
    super(message, { facts });
    this.code = code;
  }
}

/** Waiting helps: the site or another job is in the way for a while. */
export class NotYetError extends GatewayError {
  override readonly name = 'NotYetError';
  readonly code: ErrorCode;
  override readonly again: Again;

  constructor(code: ErrorCode, message: string, again: 'now' | 'later') {
    super(message);
    this.code = code;
    this.again = again;
  }
}

/** The site job ended, and not well. */
export class PublishingFailedError extends GatewayError {
  override readonly name = 'PublishingFailedError';
  readonly code = 'publishing_failed';
}

/** The site job did not end within the patience we have. */
export class SiteJobDeadlineError extends GatewayError {
  override readonly name = 'SiteJobDeadlineError';
  readonly code = 'deadline_exceeded';
}

/** The site said that all went well, and what is to be seen says otherwise. */
export class VerificationFailedError extends GatewayError {
  override readonly name = 'VerificationFailedError';
  readonly code = 'verification_failed';
}

/** Not there yet, but the site may need a moment. */
export class NotVisibleYetError extends GatewayError {
  override readonly name = 'NotVisibleYetError';
  readonly code = 'verification_failed';
}

/** Something could not be put back. The message says what, why, and what stands there now. */
export class NotPutBackError extends GatewayError {
  override readonly name = 'NotPutBackError';
  readonly code = 'not_restorable';
}
