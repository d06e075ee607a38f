import {
  jobDismissingScopes,
  jobReadingScopes,
  siteReadingScopes,
  webhookScopes,
} from '../http/caller.ts';
import { leastFreeBytes } from '../http/upload-receiver.ts';
import type { Config } from '../lib/config.ts';
import { ConfigError } from '../lib/errors.ts';
import { closeRedis, openRedis, type RedisAddress } from '../lib/redis.ts';
import type { ResolveSecret } from '../lib/secret-reference.ts';
import { FolderStorage } from '../storage/folder-storage.ts';
import { type Finding, fail, ok, type Verdict, warn } from './finding.ts';

const knownScopes = new Set<string>([
  ...[
    'publish:overwrite',
    'publish:geoprocessing',
    'tools:run',
    'jobs:prioritize',
    ...jobReadingScopes,
    ...jobDismissingScopes,
  ],
  ...[...siteReadingScopes, ...webhookScopes],
]);
const redisMs = 5_000;
const oldestRedis = [6, 2] as const;

/** What the configuration says that is valid and may still not be meant. */
export function checkConfiguration(config: Config, env: NodeJS.ProcessEnv): Finding[] {
  const sites = Object.keys(config.sites);
  const verdicts: [string, Verdict][] = [
    [
      'file',
      env.PRESSROOM_CONFIG
        ? ok(env.PRESSROOM_CONFIG)
        : warn(
            'PRESSROOM_CONFIG is not set: all is default.',
            'Set it to the path of your pressroom.yaml.',
          ),
    ],
    [
      'sites',
      sites.length > 0
        ? ok(sites.join(', '))
        : warn('No site is configured.', 'Add one under `sites`.'),
    ],
    ['API keys', checkKeys(config)],
  ];
  for (const { id, scopes, sites: reached } of config.apiKeys) {
    const unknown = scopes.filter((scope) => !knownScopes.has(scope));
    if (unknown.length > 0)
      verdicts.push([
        `key ${id}`,
        warn(`Unknown scopes: ${unknown.join(', ')}.`, `Known are ${[...knownScopes].join(', ')}.`),
      ]);
    const missing = reached.filter((site) => site !== '*' && !sites.includes(site));
    if (missing.length > 0)
      verdicts.push([`key ${id}`, warn(`Its sites are not configured: ${missing.join(', ')}.`)]);
  }
  return verdicts.map(([check, verdict]) => ({ about: 'configuration', check, ...verdict }));
}

function checkKeys({ apiKeys }: Config): Verdict {
  if (apiKeys.length > 0) return ok(apiKeys.map(({ id }) => id).join(', '));
  return ok('None: whoever is on this machine may do everything, and nobody else can connect.');
}

/** Jobs name secrets of the configuration: one that cannot be read fails them, hours later. */
export async function checkSecrets(
  { secrets }: Config,
  resolveSecret: ResolveSecret,
): Promise<Finding[]> {
  const names = Object.keys(secrets);
  return Promise.all(
    names.map(async (name): Promise<Finding> => {
      const found = { about: 'configuration', check: `secret ${name}` } as const;
      try {
        const isEmpty = (await resolveSecret(secrets[name] ?? { env: '' })) === '';
        return { ...found, ...(isEmpty ? warn('It is empty.') : ok('It can be read.')) };
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        const remedy = 'Set it, or remove the secret; jobs that name it fail.';
        return { ...found, ...fail(error.message, remedy) };
      }
    }),
  );
}

export async function checkRedis(address: RedisAddress, signal: AbortSignal): Promise<Finding[]> {
  const redis = openRedis(address, 'impatient');
  const find = (check: string, verdict: Verdict): Finding => ({
    about: 'redis',
    check,
    ...verdict,
  });
  let lastError = 'no answer';
  redis.on('error', (error: Error) => {
    lastError = error.message || String((error as NodeJS.ErrnoException).code);
  });
  try {
    await untilReady(redis, AbortSignal.any([signal, AbortSignal.timeout(redisMs)]));
    const info = toInfo(await redis.info());
    return [
      find('connection', ok(`${whereIs(address)} answers`)),
      find('version', judgeVersion(info)),
      find('memory policy', judgePolicy(info)),
      find('persistence', judgePersistence(info)),
    ];
  } catch (error) {
    signal.throwIfAborted();
    const why = lastError === 'no answer' && error instanceof Error ? error.message : lastError;
    return [
      find(
        'connection',
        fail(
          `${whereIs(address)} cannot be used: ${why}.`,
          'Check address, password and whether Redis runs there.',
        ),
      ),
    ];
  } finally {
    await closeRedis(redis);
  }
}

type Connection = ReturnType<typeof openRedis>;

function untilReady(redis: Connection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (redis.status === 'ready') resolve();
    redis.once('ready', () => resolve());
    signal.addEventListener('abort', () =>
      reject(new Error(`no connection within ${redisMs / 1000} s`)),
    );
  });
}

/** Without user and password. */
function whereIs({ url, sentinels, sentinelName }: RedisAddress): string {
  if (sentinels)
    return `${sentinelName} by ${sentinels.map(({ host, port }) => `${host}:${port}`).join(', ')}`;
  return url ? new URL(url).host : 'Redis';
}

function toInfo(text: string): Map<string, string> {
  return new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(':');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
    }),
  );
}

function judgeVersion(info: Map<string, string>): Verdict {
  const version = info.get('redis_version') ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (info.get('redis_mode') === 'cluster')
    return fail('This is a Redis Cluster.', 'Use a single instance, or Sentinel.');
  const isNew = major > oldestRedis[0] || (major === oldestRedis[0] && minor >= oldestRedis[1]);
  return isNew
    ? ok(version)
    : fail(`${version} is too old.`, `Use ${oldestRedis.join('.')} or newer.`);
}

function judgePolicy(info: Map<string, string>): Verdict {
  const policy = info.get('maxmemory_policy');
  if (policy === 'noeviction') return ok('noeviction');
  if (policy === undefined)
    return warn('Redis does not tell its maxmemory-policy.', 'Make sure that it is noeviction.');
  return fail(
    `maxmemory-policy is ${policy}: when memory runs short, accepted jobs would vanish.`,
    'Set maxmemory-policy to noeviction.',
  );
}

function judgePersistence(info: Map<string, string>): Verdict {
  if (info.get('aof_enabled') === '1') return ok('append-only file');
  return warn(
    'There is no append-only file: when Redis ends, accepted jobs are lost.',
    'Set appendonly to yes.',
  );
}

export async function checkStorage({ storage: { path }, uploads }: Config): Promise<Finding[]> {
  const storage = new FolderStorage(path);
  const find = (check: string, verdict: Verdict): Finding => ({
    about: 'storage',
    check,
    ...verdict,
  });
  try {
    const free = await storage.readFreeBytes();
    await storage.prove();
    return [
      find('folder', ok(`${path} can be written to`)),
      find('room', judgeRoom(free, uploads.maxBytes)),
    ];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code) throw error;
    return [
      find(
        'folder',
        fail(
          `${path} cannot be written to: ${message}`,
          'Give this account the right to write there, or set storage.path.',
        ),
      ),
    ];
  }
}

function judgeRoom(freeBytes: number, maxUploadBytes: number): Verdict {
  const free = `${toGiB(freeBytes)} GiB free`;
  if (freeBytes < leastFreeBytes) return fail(`${free}: no file is taken in.`, 'Make room.');
  if (freeBytes < maxUploadBytes)
    return warn(
      `${free}, less than the largest file allowed (uploads.maxBytes, ${toGiB(maxUploadBytes)} GiB).`,
    );
  return ok(free);
}

function toGiB(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
