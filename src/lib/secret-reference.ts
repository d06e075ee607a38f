import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ConfigError } from './errors.ts';

export const SecretReference = z
  .union([
    z.strictObject({ env: z.string().min(1).describe('Name of an environment variable') }),
    z.strictObject({ file: z.string().min(1).describe('Path of a file, read when it is used') }),
  ])
  .describe('Where a secret is found; secrets themselves do not stand in the configuration')
  .meta({ id: 'SecretReference' });
export type SecretReference = z.output<typeof SecretReference>;

/** Turns a reference into the secret at the moment of use. `bin` hands one down. */
export type ResolveSecret = (reference: SecretReference) => Promise<string>;

/** @throws ConfigError when the variable is not set or the file cannot be read */
export function createSecretResolver(env: NodeJS.ProcessEnv): ResolveSecret {
  return async (reference) => {
    if ('env' in reference) {
      const value = env[reference.env];
      if (!value) throw new ConfigError(`The environment variable ${reference.env} is not set`);
      return value;
    }
    try {
      return (await readFile(reference.file, 'utf8')).replace(/\r?\n$/, '');
    } catch (error) {
      throw new ConfigError(`The secret file ${reference.file} cannot be read`, { cause: error });
    }
  };
}
