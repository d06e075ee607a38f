import { z } from 'zod';

export const EgressConfig = z
  .strictObject({
    allowHttp: z
      .boolean()
      .default(false)
      .describe('Also `http:`, which anybody on the way can read'),
    ports: z.array(z.int().min(1).max(65535)).default([443, 8443]),
    timeoutSeconds: z
      .number()
      .min(0.1)
      .max(30)
      .default(20)
      .describe('For a request and its answer'),
    allow: z
      .array(z.string().min(1))
      .default([])
      .describe('Reachable although not public: `host:port`, or a range such as `10.1.0.0/16`'),
    deny: z
      .array(z.string().min(1))
      .default([])
      .describe('Never reachable: `host`, `host:port`, or a range; wins over `allow`'),
  })
  .prefault({})
  .meta({ id: 'EgressConfig' });
export type EgressConfig = z.output<typeof EgressConfig>;
