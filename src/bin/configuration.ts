import { watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Config } from '../lib/config.ts';
import { ConfigError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { readConfig } from '../lib/read-config.ts';
import type { RedisAddress } from '../lib/redis.ts';
import { createSecretResolver, type ResolveSecret } from '../lib/secret-reference.ts';

/** What follows a change of the file while a process runs: sites, keys and secrets; the rest needs a restart. */
export type Reloaded = Pick<Config, 'sites' | 'apiKeys' | 'secrets'>;

export type LiveConfiguration = {
  config: Config;
  resolveSecret: ResolveSecret;
  redis: RedisAddress;
  /** The newest sites, keys and secrets. */
  now: () => Reloaded;
  /** A secret that requests may name. @throws ConfigError */
  readSecret: (name: string) => Promise<string>;
  onReload: (listener: (reloaded: Reloaded) => void) => void;
  close: () => void;
};

/** @throws ConfigError naming every fault at once */
export async function openConfiguration(
  env: NodeJS.ProcessEnv,
  log: Log,
): Promise<LiveConfiguration> {
  const config = await readConfig(env);
  const resolveSecret = createSecretResolver(env);
  let current: Reloaded = config;
  const listeners: ((reloaded: Reloaded) => void)[] = [];

  async function reload(reason: string): Promise<void> {
    try {
      current = await readConfig(env);
      for (const listener of listeners) listener(current);
      log.info({ reason, sites: Object.keys(current.sites) }, 'Configuration read again');
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      log.error(
        { err: error },
        'The configuration was changed and is not valid; the old one stays',
      );
    }
  }

  const onHangup = () => void reload('SIGHUP');
  process.on('SIGHUP', onHangup);
  const watcher = env.PRESSROOM_CONFIG
    ? watchFile(env.PRESSROOM_CONFIG, () => void reload('file changed'))
    : undefined;
  return {
    config,
    resolveSecret,
    redis: await toRedisAddress(config, resolveSecret),
    now: () => current,
    readSecret: async (name) => {
      const reference = current.secrets[name];
      if (!reference) throw new ConfigError(`There is no secret ${name} in the configuration`);
      return resolveSecret(reference);
    },
    onReload: (listener) => listeners.push(listener),
    close: () => {
      process.off('SIGHUP', onHangup);
      watcher?.close();
    },
  };
}

/** @throws ConfigError when no Redis is named */
export async function toRedisAddress(
  { redis }: Config,
  resolveSecret: ResolveSecret,
): Promise<RedisAddress> {
  if (!redis.url && !redis.sentinels) {
    throw new ConfigError('No Redis: set redis.url in the configuration, or PRESSROOM_REDIS_URL');
  }
  return {
    ...redis,
    ...(redis.password && { resolvedPassword: await resolveSecret(redis.password) }),
  };
}

/**
 * Watches the folder, not the file: editors and orchestrators put a new file in its place, and the old one
 * would be watched for ever. They write in bursts: the last of a burst counts.
 */
function watchFile(path: string, onChange: () => void) {
  let settle: NodeJS.Timeout | undefined;
  const names = new Set([basename(path), '..data']); // the latter is what a mounted ConfigMap changes
  const watcher = watch(dirname(resolve(path)), { persistent: false }, (_event, name) => {
    if (name !== null && !names.has(name)) return;
    clearTimeout(settle);
    settle = setTimeout(onChange, 200);
    settle.unref();
  });
  watcher.on('error', () => {}); // where files cannot be watched, SIGHUP still works
  return watcher;
}
