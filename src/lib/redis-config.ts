import { z } from 'zod';
import { SecretReference } from './secret-reference.ts';

export const RedisConfig = z
  .strictObject({
    url: z.url({ protocol: /^rediss?$/ }).optional(),
    sentinels: z
      .array(z.strictObject({ host: z.string(), port: z.int().default(26379) }))
      .optional(),
    sentinelName: z.string().optional().describe('Name of the master, with `sentinels`'),
    password: SecretReference.optional(),
    prefix: z
      .string()
      .regex(/^[a-z0-9-]{1,40}$/)
      .default('pressroom')
      .describe('Begins every key, so that several gateways may share one Redis'),
  })
  .prefault({});
