import { z } from 'zod';
import { SecretReference } from './secret-reference.ts';

export const SealingConfig = z
  .strictObject({
    keys: z
      .array(
        z.strictObject({
          id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
          key: SecretReference,
        }),
      )
      .default([])
      .describe(
        '32 bytes each, as base64 or hex. The first one seals, all of them unseal; none: a key file in the storage folder serves',
      ),
  })
  .prefault({})
  .meta({ id: 'SealingConfig' });
export type SealingConfig = z.output<typeof SealingConfig>;
