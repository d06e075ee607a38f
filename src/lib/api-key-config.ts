import { z } from 'zod';

export const ApiKeyConfig = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/)
      .describe('Who the caller is: the owner of its jobs and uploads'),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/i)
      .transform((hex) => hex.toLowerCase())
      .describe('SHA-256 of the key, in hex'),
    scopes: z.array(z.string()).default([]),
    sites: z.array(z.string()).default(['*']).describe('Names of sites, or `*`'),
  })
  .meta({ id: 'ApiKeyConfig' });
export type ApiKeyConfig = z.output<typeof ApiKeyConfig>;
