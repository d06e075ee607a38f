import { z } from 'zod';
import { ApiKeyConfig } from './api-key-config.ts';
import { ArcpyConfig } from './arcpy-config.ts';
import { EgressConfig } from './egress-config.ts';
import { HttpConfig } from './http-config.ts';
import { RedisConfig } from './redis-config.ts';
import { keptCount, RetentionConfig } from './retention-config.ts';
import { SealingConfig } from './sealing-config.ts';
import { SecretReference } from './secret-reference.ts';
import { SiteConfig } from './site-config.ts';
import { Timing } from './timing.ts';
import { WebhookConfig } from './webhook-config.ts';

const loopbackHosts = new Set(['127.0.0.1', '::1', 'localhost']);

/** Zod skips checks between members once a member has the wrong type; all faults shall be named at once. */
const evenIfOthersFail = {
  when: ({ value }: { value: unknown }) =>
    z
      .object({
        http: z.looseObject({ host: z.string() }),
        redis: z.looseObject({}),
        apiKeys: z.array(z.looseObject({})),
      })
      .safeParse(value).success,
};

export const Config = z
  .strictObject({
    http: HttpConfig,
    redis: RedisConfig,
    queue: z
      .strictObject({
        lockSeconds: z
          .number()
          .min(1)
          .default(10)
          .describe('How long a silent worker keeps its job'),
        stalledCheckSeconds: z.number().positive().default(4),
        jobDeadlineHours: z.number().positive().default(24),
        sweepSeconds: z.number().positive().default(5),
        reconcileSeconds: z.number().positive().default(60),
        siteReadSeconds: z
          .number()
          .positive()
          .default(30)
          .describe('How often each site is looked at'),
      })
      .prefault({}),
    timing: Timing,
    worker: z
      .strictObject({
        statusHost: z.string().default('127.0.0.1'),
        statusPort: z
          .int()
          .min(0)
          .max(65535)
          .default(0)
          .describe("Port of a worker's /health; 0: none"),
      })
      .prefault({}),
    storage: z
      .strictObject({ kind: z.literal('folder'), path: z.string().min(1) })
      .prefault({ kind: 'folder', path: './data' }),
    uploads: z
      .strictObject({
        maxBytes: z
          .int()
          .positive()
          .default(20 * 2 ** 30),
        keepHours: z.number().positive().default(24).describe('Age at which an unused upload goes'),
        keepCount: keptCount
          .default(10_000)
          .describe('Uploads that are kept at the most; what no job needs goes, the oldest first'),
      })
      .prefault({}),
    publishRoots: z
      .array(z.string().min(1))
      .default([])
      .describe(
        "Folders of the workers' machines below which `publish-folder` may read; none: it reads none",
      ),
    retention: RetentionConfig,
    arcpy: ArcpyConfig,
    webhooks: WebhookConfig,
    sealing: SealingConfig,
    egress: EgressConfig,
    secrets: z
      .record(z.string().regex(/^[A-Za-z0-9._-]{1,64}$/), SecretReference)
      .default({})
      .describe(
        'Secrets that a request may name instead of sending them: `passwordFrom`. Whoever may register data stores may use all of them',
      ),
    apiKeys: z.array(ApiKeyConfig).default([]),
    sites: z.record(z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/i), SiteConfig).default({}),
    log: z
      .strictObject({
        level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
      })
      .prefault({}),
    conformanceEcho: z.boolean().default(false).describe('Offer the process `echo`'),
  })
  .superRefine((config, check) => {
    if (config.redis.sentinels && !config.redis.sentinelName) {
      check.addIssue({
        code: 'custom',
        path: ['redis', 'sentinelName'],
        message: 'is needed with sentinels',
      });
    }
  }, evenIfOthersFail)
  .superRefine((config, check) => {
    if (config.apiKeys.length === 0 && !loopbackHosts.has(config.http.host)) {
      check.addIssue({
        code: 'custom',
        path: ['http', 'host'],
        message:
          'without apiKeys the gateway listens on loopback only: add a key, or set 127.0.0.1',
      });
    }
    const ids = config.apiKeys.map((key) => key.id);
    for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) {
      check.addIssue({ code: 'custom', path: ['apiKeys'], message: `the id ${id} stands twice` });
    }
  }, evenIfOthersFail)
  .meta({ id: 'PressroomConfig' });
export type Config = z.output<typeof Config>;
