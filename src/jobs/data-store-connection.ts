import { RequestError } from '../lib/errors.ts';
import {
  buildConnectionString,
  type DatabaseConnection,
  withPassword,
} from '../sites/connection-strings.ts';
import type { JobContext } from './job-type.ts';

type Written = {
  connectionString?: string | undefined;
  passwordFrom?: string | undefined;
  connection?: (DatabaseConnection & { passwordFrom?: string | undefined }) | undefined;
};

/** The connection string that a request asks for, with the password of the configuration where one is named. */
export async function toConnectionString(
  { connectionString, passwordFrom, connection }: Written,
  secrets: Pick<JobContext['secrets'], 'read'>,
): Promise<string | undefined> {
  if (connection) {
    const { passwordFrom: named, ...parts } = connection;
    const password = named === undefined ? parts.password : await secrets.read(named);
    return buildConnectionString({ ...parts, password });
  }
  if (connectionString === undefined || passwordFrom === undefined) return connectionString;
  return withPassword(connectionString, await secrets.read(passwordFrom));
}

/**
 * Names of secrets are judged with the request.
 *
 * @throws RequestError validation_error for a secret that the configuration does not have
 */
export function checkSecretNames(
  named: Record<string, string | undefined>,
  known: readonly string[] = [],
): void {
  const errors = Object.entries(named).flatMap(([place, name]) =>
    name === undefined || known.includes(name)
      ? []
      : [
          {
            pointer: `#/inputs/${place}`,
            code: 'unknown_secret',
            detail: 'the configuration has no secret of this name',
          },
        ],
  );
  if (errors.length === 0) return;
  throw new RequestError('validation_error', 'A secret is named that is not configured.', {
    errors,
  });
}
