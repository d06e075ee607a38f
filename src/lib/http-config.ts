import { z } from 'zod';

export const HttpAddress = z
  .url({ protocol: /^https?$/ })
  .transform((url) => url.replace(/\/+$/, ''));

export const HttpConfig = z
  .strictObject({
    host: z.string().default('127.0.0.1'),
    port: z.int().min(0).max(65535).default(8080),
    publicUrl: HttpAddress.optional().describe('Root under which callers reach the API'),
    bodyLimitBytes: z.int().positive().default(1_048_576).describe('Of a JSON body'),
    drainSeconds: z.number().min(0).default(0).describe('Pause between "not ready" and closing'),
  })
  .prefault({});
