/** What a next try may do: the words of the retry rules, decided once where a failure is understood. */
export type Again = 'now' | 'later' | 'never' | 'look';

/** Public contract: callers see these in a problem's `code`. `problem.ts` has a row for each. */
export type ErrorCode =
  | 'malformed_request'
  | 'validation_error'
  | 'invalid_parameter'
  | 'invalid_cursor'
  | 'destination_not_allowed'
  | 'unauthenticated'
  | 'forbidden'
  | 'insufficient_scope'
  | 'not_found'
  | 'no_such_process'
  | 'no_such_job'
  | 'result_not_ready'
  | 'result_not_available'
  | 'method_not_allowed'
  | 'not_acceptable'
  | 'conflict'
  | 'idempotency_in_flight'
  | 'idempotency_key_reused'
  | 'gone'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'archive_rejected'
  | 'unreadable_document'
  | 'edit_refused'
  | 'nothing_matched'
  | 'internal_error'
  | 'queue_unavailable'
  | 'storage_exhausted'
  | 'draining'
  | 'unknown_site'
  | 'site_error'
  | 'site_timeout'
  | 'site_busy'
  | 'site_unreachable'
  | 'site_read_only'
  | 'site_upgrading'
  | 'site_login_refused'
  | 'site_insufficient_privilege'
  | 'outcome_unknown'
  | 'publishing_failed'
  | 'verification_failed'
  | 'service_exists'
  | 'services_failed'
  | 'incompatible_runtime'
  | 'hosted_definition'
  | 'copied_data_refused'
  | 'unregistered_data'
  | 'unknown_role'
  | 'data_store_exists'
  | 'data_store_in_use'
  | 'data_store_invalid'
  | 'secret_missing'
  | 'arcpy_unavailable'
  | 'arcpy_crashed'
  | 'arcpy_silent'
  | 'arcpy_failed'
  | 'arcpy_refused'
  | 'arcpy_unsupported'
  | 'arcpy_extension_missing'
  | 'analysis_failed'
  | 'no_runtime'
  | 'tool_not_allowed'
  | 'not_restorable'
  | 'definition_not_kept'
  | 'definition_mismatch'
  | 'children_failed'
  | 'plan_changed'
  | 'folder_not_allowed'
  | 'source_refused'
  | 'deadline_exceeded'
  | 'worker_died_repeatedly'
  | 'unknown_step'
  | 'dismissed';

/** A failure we foresee. Anything else that is thrown is a bug: logged as one, answered with 500. */
export abstract class GatewayError extends Error {
  abstract readonly code: ErrorCode;
  readonly again: Again = 'never';
  /** Facts that belong into the problem beside the message; never a secret. */
  readonly facts: Record<string, unknown>;

  constructor(message: string, options: ErrorOptions & { facts?: Record<string, unknown> } = {}) {
    super(message, options);
    this.facts = options.facts ?? {};
  }
}

/** One fault of a request, addressed by where it stands. Pointers are RFC 6901 in fragment form. */
export type RequestFault = {
  detail: string;
  code?: string;
  pointer?: string;
  parameter?: string;
  header?: string;
};

/** The request cannot be carried out as it is; sending it again unchanged will not help. */
export class RequestError extends GatewayError {
  override readonly name = 'RequestError';
  readonly code: ErrorCode;
  /** Response headers that belong to the refusal, such as `Allow` or `Retry-After`. */
  readonly headers: Record<string, string>;

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { errors?: RequestFault[]; headers?: Record<string, string> } = {},
  ) {
    super(message, { ...options, ...(options.errors && { facts: { errors: options.errors } }) });
    this.code = code;
    this.headers = options.headers ?? {};
  }
}

/** The configuration cannot be used; names every fault at once, so that it is mended in one go. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Redis does not answer. Nothing was accepted; the same request may be sent again. */
export class QueueUnavailableError extends GatewayError {
  override readonly name = 'QueueUnavailableError';
  readonly code = 'queue_unavailable';
  override readonly again = 'now';
}

/** There is no room to keep a file. */
export class StorageExhaustedError extends GatewayError {
  override readonly name = 'StorageExhaustedError';
  readonly code = 'storage_exhausted';
  override readonly again = 'later';
}

export type DocumentErrorCode =
  | 'archive_rejected'
  | 'unreadable_document'
  | 'edit_refused'
  | 'nothing_matched';

/** The file is not what it says, or not what it has to be, or cannot be changed as it was asked for. */
export class DocumentError extends GatewayError {
  override readonly name = 'DocumentError';
  readonly code: DocumentErrorCode;

  constructor(
    code: DocumentErrorCode,
    message: string,
    options?: ErrorOptions & { facts?: Record<string, unknown> },
  ) {
    super(message, options);
    this.code = code;
  }
}
