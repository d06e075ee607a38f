import { type RedisOptions as AnyRedisOptions, Redis } from 'ioredis';
import type { Config } from './config.ts';

type RedisOptions = Omit<AnyRedisOptions, 'replyMapping'>;

export type RedisAddress = Config['redis'] & { resolvedPassword?: string };

/**
 * `impatient` for what answers callers: a command fails at once while Redis is away.
 * `patient` for workers: commands wait until it is back.
 */
export type Patience = 'impatient' | 'patient';

const patienceOptions: Record<Patience, RedisOptions> = {
  impatient: { maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: 900 },
  patient: { maxRetriesPerRequest: null },
};

/** Connects in the background and again after every loss; the caller closes it. */
export function openRedis(address: RedisAddress, patience: Patience): Redis {
  const common: RedisOptions = {
    ...patienceOptions[patience],
    connectTimeout: 5_000,
    retryStrategy: (times) => Math.min(times * 50, 1_000),
    ...(address.resolvedPassword && { password: address.resolvedPassword }),
  };
  const redis = address.sentinels
    ? new Redis({
        ...common,
        sentinels: address.sentinels,
        name: address.sentinelName ?? 'mymaster',
      })
    : new Redis(address.url ?? 'redis://127.0.0.1:6379', common);
  redis.on('error', () => {}); // each command says so itself; without a listener the process would end
  return redis;
}

/** Ends a connection whether Redis answers or not. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await redis.quit().catch(() => redis.disconnect());
  else redis.disconnect();
}

/** True for what ioredis throws when Redis is away, slow or loading: nothing is known to be wrong with the command. */
export function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error.name === 'MaxRetriesPerRequestError' ||
    /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|Connection is closed|enableOfflineQueue|Command timed out|^LOADING|^READONLY|^MASTERDOWN|Connection is in/.test(
      `${error.message} ${(error as NodeJS.ErrnoException).code ?? ''}`,
    )
  );
}
