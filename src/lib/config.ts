import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigError } from './errors.ts';

const SecretReference = z
  .union([
    z.strictObject({ env: z.string().min(1).describe('Name of an environment variable') }),
    z.strictObject({ file: z.string().min(1).describe('Path of a file, read when it is used') }),
  ])
  .describe('Where a secret is found; secrets themselves do not stand in the configuration')
  .meta({ id: 'SecretReference' });
export type SecretReference = z.output<typeof SecretReference>;

/** Turns a reference into the secret at the moment of use. `bin` hands one down. */
export type ResolveSecret = (reference: SecretReference) => Promise<string>;

const HttpAddress = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

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

const milliseconds = z.int().min(1).max(86_400_000);

/** Pauses and patience of the worker. The defaults suit a real site; tests and demos shorten them. */
export const Timing = z
  .strictObject({
    pollMinMs: milliseconds.default(500).describe('First pause between looks at a site job'),
    pollMaxMs: milliseconds.default(10_000).describe('Longest pause between looks at a site job'),
    lookAgainMs: milliseconds
      .default(5_000)
      .describe('Pause before a second look for a lost site job'),
    watchMs: milliseconds
      .default(60_000)
      .describe('How long a site is watched that hides its site jobs'),
    logSettleMs: milliseconds.default(5_000).describe('Pause before the server log is read again'),
    retryMinMs: milliseconds
      .default(1_000)
      .describe('First pause before a refused request is repeated'),
    retryMaxMs: milliseconds.default(30_000).describe('Longest pause before it is repeated'),
    retryForMs: milliseconds
      .default(600_000)
      .describe('How long a busy site is asked again in one step'),
    siteClosedMs: milliseconds
      .default(30_000)
      .describe('How long a closed site rests before a probe'),
    listedWithinMs: milliseconds
      .default(60_000)
      .describe('Patience until a published service is listed'),
    outageProbeMs: milliseconds
      .default(500)
      .describe('How often a service is looked at while replaced'),
  })
  .prefault({})
  .meta({ id: 'Timing' });
export type Timing = z.output<typeof Timing>;

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

const count = z.int().min(1).max(100_000_000);
const minute = 60;
const hour = 3_600;

/** Deliveries to addresses that callers named. The schedule is the example of Standard Webhooks 1.0.0. */
export const WebhookConfig = z
  .strictObject({
    scheduleSeconds: z
      .array(
        z
          .number()
          .min(0)
          .max(30 * 24 * hour),
      )
      .min(1)
      .max(20)
      .default([
        0,
        5,
        5 * minute,
        30 * minute,
        ...[2, 5, 10, 14, 20, 24].map((hours) => hours * hour),
      ])
      .describe('Pause before each attempt of a delivery, the first included'),
    disableAfterDays: z
      .number()
      .min(0)
      .default(5)
      .describe(
        'An endpoint that has failed for so long is disabled once a delivery was given up on',
      ),
    keepDays: z.number().positive().max(365).default(30).describe('Age at which deliveries go'),
    keepCount: count.default(100_000).describe('Settled deliveries that are kept at the most'),
    progressSeconds: z
      .number()
      .positive()
      .default(10)
      .describe('Progress of a job is told at most once in this time'),
    claimAfterSeconds: z
      .number()
      .positive()
      .default(30)
      .describe('When news that a worker read and never passed on are read by another one'),
    concurrency: z.int().min(1).max(1_000).default(32).describe('Deliveries at a time, per worker'),
  })
  .prefault({})
  .meta({ id: 'WebhookConfig' });
export type WebhookConfig = z.output<typeof WebhookConfig>;

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

/** ArcPy, on machines where it is installed. Paths are those of the machine that a worker runs on. */
export const ArcpyConfig = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Look for ArcPy on the machine of a worker'),
    python: z
      .string()
      .min(1)
      .optional()
      .describe('Python of ArcGIS: `propy.bat`, `tools/python3`; omitted: found by itself'),
    pool: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/i)
      .default('default')
      .describe('Workers that share a queue, because their ArcPy is alike'),
    processes: z.int().min(1).max(8).default(1).describe('Processes, each with one job at a time'),
    startSeconds: z.number().positive().default(300).describe('Patience with the start of ArcPy'),
    silenceSeconds: z
      .number()
      .positive()
      .default(600)
      .describe('Patience with a process that says nothing while it opens and drafts'),
    stagingSeconds: z
      .number()
      .positive()
      .default(14_400)
      .describe('Patience with a process that says nothing while it stages or runs a tool'),
    jobsPerProcess: z.int().min(1).default(50).describe('After so many jobs it is replaced'),
    maxGrowthMiB: z.int().min(1).default(2_048).describe('Memory grown by this replaces it, too'),
    retrySeconds: z
      .number()
      .positive()
      .default(60)
      .describe('How often an ArcPy that does not start is tried again'),
    workFolder: z
      .string()
      .min(1)
      .optional()
      .describe("Folder for the jobs' own folders; omitted: that of the system"),
    blankProject: z
      .string()
      .min(1)
      .optional()
      .describe('An empty .aprx into which .mxd and .mapx are imported; omitted: one is made'),
    tools: z
      .array(
        z.union([
          z
            .string()
            .regex(/^[A-Za-z][\w]*(?:\.[A-Za-z]\w*)?$/)
            .describe('A system tool, such as `management.Clip`'),
          z.strictObject({
            toolbox: z.string().min(1).describe('Path of a .atbx, .tbx or .pyt'),
            alias: z
              .string()
              .regex(/^[A-Za-z]\w{0,60}$/)
              .describe('Its alias: the tools are asked for as `alias.Tool`'),
            tools: z.array(z.string().regex(/^[A-Za-z]\w*$/)).min(1),
          }),
        ]),
      )
      .default([])
      .describe('Tools that `run-tool` may run; none: it runs nothing'),
  })
  .prefault({})
  .meta({ id: 'ArcpyConfig' });
export type ArcpyConfig = z.output<typeof ArcpyConfig>;

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
    http: z
      .strictObject({
        host: z.string().default('127.0.0.1'),
        port: z.int().min(0).max(65535).default(8080),
        publicUrl: HttpAddress.optional().describe('Root under which callers reach the API'),
        bodyLimitBytes: z.int().positive().default(1_048_576).describe('Of a JSON body'),
        drainSeconds: z
          .number()
          .min(0)
          .default(0)
          .describe('Pause between "not ready" and closing'),
      })
      .prefault({}),
    redis: z
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
      .prefault({}),
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
        keepCount: count
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
    retention: z
      .strictObject({
        endedJobDays: z
          .number()
          .positive()
          .default(30)
          .describe('Age at which the record of an ended job goes, and all that belongs to it'),
        endedJobs: count
          .default(1_000_000)
          .describe('Ended jobs that are kept at the most; those that ended first go first'),
        logDays: z
          .number()
          .positive()
          .default(30)
          .describe('Age at which the log of an ended job goes'),
        logs: count.default(100_000).describe('Ended jobs whose log is kept at the most'),
        artifactDays: z.number().positive().default(30).describe('Age at which a made file goes'),
        artifacts: count.default(10_000).describe('Made files that are kept at the most'),
        failedUploadDays: z
          .number()
          .positive()
          .default(7)
          .describe('How long the files of a failed job are kept for a retry'),
        ledgerVersions: z
          .int()
          .min(0)
          .max(1_000)
          .default(10)
          .describe(
            'Definitions kept per service for rolling back, beside the live one, which is always kept',
          ),
        ledgerDays: z
          .number()
          .positive()
          .default(180)
          .describe('How long a definition is kept after it stopped being live'),
      })
      .prefault({}),
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

const Env = z.object({
  PRESSROOM_CONFIG: z.string().optional(),
  PRESSROOM_HTTP_HOST: z.string().optional(),
  PRESSROOM_HTTP_PORT: z.string().optional(),
  PRESSROOM_PUBLIC_URL: z.string().optional(),
  PRESSROOM_REDIS_URL: z.string().optional(),
  PRESSROOM_LOG_LEVEL: z.string().optional(),
});

/**
 * The file at `PRESSROOM_CONFIG` (YAML; none: all defaults), with the environment laid over it.
 * Relative paths in it are relative to the file.
 *
 * @throws ConfigError naming every fault at once, so that a deployment is mended in one go.
 */
export async function readConfig(env: NodeJS.ProcessEnv): Promise<Config> {
  const vars = Env.parse(env);
  const file = vars.PRESSROOM_CONFIG;
  return parseConfig(file ? await readYaml(file) : {}, {
    baseFolder: file ? dirname(resolve(file)) : process.cwd(),
    env: vars,
  });
}

async function readYaml(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`PRESSROOM_CONFIG: ${file} cannot be read`, { cause: error });
  }
  try {
    return parse(text) ?? {};
  } catch (error) {
    throw new ConfigError(`${file} is not YAML: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws ConfigError naming every fault at once */
export function parseConfig(
  written: unknown,
  { baseFolder, env = {} }: { baseFolder: string; env?: z.input<typeof Env> },
): Config {
  const overlaid = layOver(written, env);
  const { data: config, error } = Config.safeParse(overlaid);
  if (error) throw new ConfigError(`The configuration is not valid:\n${z.prettifyError(error)}`);
  config.storage.path = resolve(baseFolder, config.storage.path);
  config.publishRoots = config.publishRoots.map((root) => resolve(baseFolder, root));
  for (const name of ['python', 'workFolder', 'blankProject'] as const) {
    const path = config.arcpy[name];
    if (path?.includes('/')) config.arcpy[name] = resolve(baseFolder, path); // a bare name is looked up in PATH
  }
  for (const sealing of config.sealing.keys) {
    if ('file' in sealing.key) sealing.key = { file: resolve(baseFolder, sealing.key.file) };
  }
  for (const [name, secret] of Object.entries(config.secrets)) {
    if ('file' in secret) config.secrets[name] = { file: resolve(baseFolder, secret.file) };
  }
  for (const site of Object.values(config.sites)) {
    if (site.tls.ca) site.tls.ca = resolve(baseFolder, site.tls.ca);
    if ('file' in site.auth.password) {
      site.auth.password = { file: resolve(baseFolder, site.auth.password.file) };
    }
  }
  return config;
}

function layOver(written: unknown, env: z.input<typeof Env>): unknown {
  if (written === null || typeof written !== 'object' || Array.isArray(written)) return written;
  const file = written as { http?: object; redis?: object; log?: object };
  const http = {
    ...(env.PRESSROOM_HTTP_HOST && { host: env.PRESSROOM_HTTP_HOST }),
    ...(env.PRESSROOM_HTTP_PORT && { port: Number(env.PRESSROOM_HTTP_PORT) }),
    ...(env.PRESSROOM_PUBLIC_URL && { publicUrl: env.PRESSROOM_PUBLIC_URL }),
  };
  return {
    ...file,
    http: { ...file.http, ...http },
    redis: { ...file.redis, ...(env.PRESSROOM_REDIS_URL && { url: env.PRESSROOM_REDIS_URL }) },
    log: { ...file.log, ...(env.PRESSROOM_LOG_LEVEL && { level: env.PRESSROOM_LOG_LEVEL }) },
  };
}

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

/** Changes exactly when the part of the configuration does; never shows a value. */
export function digestOf(part: unknown): string {
  return createHash('sha256').update(JSON.stringify(part)).digest('hex').slice(0, 16);
}
