import { GatewayError } from '../../lib/errors.ts';

/** The folder is not below one that the configuration allows. */
export class FolderNotAllowedError extends GatewayError {
  override readonly name = 'FolderNotAllowedError';
  readonly code = 'folder_not_allowed';
}

/** The source and what is said of it do not go together; nothing was begun. */
export class SourceRefusedError extends GatewayError {
  override readonly name = 'SourceRefusedError';
  readonly code = 'source_refused';
}
