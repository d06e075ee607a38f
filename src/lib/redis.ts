import { createHash } from 'node:crypto';
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
  impatient: {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: 900,
    enableAutoPipelining: true, // many callers at a time share one write to the socket
    autoPipeliningIgnoredCommands: ['evalsha'], // Redis is at work on a script while the next callers are heard
  },
  patient: { maxRetriesPerRequest: null },
};

/** What ioredis 6 keeps of commands that were sent and not answered, to send them again. */
type Unanswered = {
  prevCommandQueue?: { toArray(): { command: { reject(error: Error): void } }[] } | null;
};

/**
 * ioredis tells nobody that a connection has ended which is disconnected between two tries to reconnect:
 * who waits for an answer, and BullMQ when it closes, would wait for ever. A last try, broken off, tells.
 */
function endingAtOnce(redis: Redis): Redis {
  const disconnect = redis.disconnect.bind(redis);
  const duplicate = redis.duplicate.bind(redis);
  redis.disconnect = (reconnect = false) => {
    const isBetweenTries = redis.status === 'reconnecting' && !reconnect;
    if (isBetweenTries) redis.connect().catch(() => undefined);
    disconnect(reconnect);
    if (!isBetweenTries) return;
    const unanswered = (redis as Unanswered).prevCommandQueue?.toArray() ?? [];
    for (const { command } of unanswered) command.reject(new Error('Connection is closed.'));
  };
  redis.duplicate = ((override) => endingAtOnce(duplicate(override) as Redis)) as typeof duplicate;
  return redis;
}

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
  return endingAtOnce(redis);
}

/** Ends a connection whether Redis answers or not. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await redis.quit().catch(() => redis.disconnect());
  else redis.disconnect();
}

const digests = new Map<string, string>();

/** Runs a Lua script by its digest; its text travels only when Redis does not know it. */
export async function runScript(redis: Redis, lua: string, args: string[]): Promise<unknown> {
  const known = digests.get(lua);
  const digest = known ?? createHash('sha1').update(lua).digest('hex');
  if (!known) digests.set(lua, digest);
  try {
    return await redis.evalsha(digest, 0, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return redis.eval(lua, 0, ...args);
  }
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
