import { type ErrorCode, GatewayError } from '../lib/errors.ts';

/** The request is understood, and the site or what is registered there stands against it. */
export class DataStoreRefusedError extends GatewayError {
  override readonly name = 'DataStoreRefusedError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, facts: Record<string, unknown> = {}) {
    super(message, { facts });
    this.code = code;
  }
}

/** The site cannot use the item. `facts.siteMessages` are its own words. */
export class DataStoreInvalidError extends GatewayError {
  override readonly name = 'DataStoreInvalidError';
  readonly code = 'data_store_invalid';
}

/** Waiting helps: the site takes no changes for a while. */
export class DataStoreLaterError extends GatewayError {
  override readonly name = 'DataStoreLaterError';
  readonly code = 'site_read_only';
  override readonly again = 'later';
}

/** Something could not be put back. The message says what and why. */
export class ItemNotPutBackError extends GatewayError {
  override readonly name = 'ItemNotPutBackError';
  readonly code = 'not_restorable';
}
