import { type ErrorCode, GatewayError } from '../lib/errors.ts';

/** The request is understood, and what is on the site stands against it. Nothing was changed. */
export class ServicesRefusedError extends GatewayError {
  override readonly name = 'ServicesRefusedError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, facts: Record<string, unknown> = {}) {
    super(message, { facts });
    this.code = code;
  }
}

/** The site said yes, and what is to be seen says otherwise. */
export class ServiceNotAsWantedError extends GatewayError {
  override readonly name = 'ServiceNotAsWantedError';
  readonly code = 'verification_failed';
}

/** Some services could not be changed; the facts have a line for each. */
export class ServicesFailedError extends GatewayError {
  override readonly name = 'ServicesFailedError';
  readonly code = 'services_failed';
}

/** Something could not be put back. The message says what and why. */
export class ServiceNotPutBackError extends GatewayError {
  override readonly name = 'ServiceNotPutBackError';
  readonly code = 'not_restorable';
}
