import { z } from 'zod';
import { HttpAddress } from './http-config.ts';
import { SecretReference } from './secret-reference.ts';

export const SiteConfig = z
  .strictObject({
    url: HttpAddress.describe("The site's public root; `/rest` is below it"),
    adminUrl: HttpAddress.optional().describe(
      'The direct root, `/admin` below it, where it differs: a Web Adaptor often has administration switched off',
    ),
    auth: z.strictObject({
      username: z.string().min(1),
      password: SecretReference,
      via: z
        .enum(['auto', 'server', 'portal'])
        .default('auto')
        .describe('Which token service: the one the site names, its own, or its portal’s'),
    }),
    slots: z
      .int()
      .min(1)
      .max(32)
      .optional()
      .describe('Publishing jobs at a time; omitted: read from PublishingTools and capped at 2'),
    replaceMethod: z
      .enum(['manifest', 'overwrite', 'refuse'])
      .default('manifest')
      .describe(
        'How a definition staged as New replaces a service; see README, "What is not proven"',
      ),
    tls: z
      .strictObject({
        ca: z.string().optional().describe('PEM file of the authority that issued the certificate'),
        insecureSkipVerify: z
          .boolean()
          .default(false)
          .describe('Accept any certificate. Said loudly at every start; for trying things out'),
      })
      .default({ insecureSkipVerify: false }),
    timeoutSeconds: z.number().positive().default(60).describe('Patience with one plain request'),
    uploadTimeoutSeconds: z.number().positive().default(3600),
    jobTimeoutSeconds: z
      .number()
      .positive()
      .default(1800)
      .describe('Patience with a site job; more where maxUsageTime of PublishingTools is longer'),
  })
  .meta({ id: 'SiteConfig' });
export type SiteConfig = z.output<typeof SiteConfig>;
