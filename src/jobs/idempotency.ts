import { createHash, randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { JobKeys } from './job-keys.ts';

/** A key that this request may use, until the lease ends. */
export type Lease = { key: string; lease: string };

export type ClaimOutcome =
  | ({ kind: 'claimed' } & Lease)
  | { kind: 'in-flight' }
  | { kind: 'done'; fingerprint: string; jobId: string; answer: string };

/**
 * Remembers which request an `Idempotency-Key` belongs to, per caller. The entry is completed in the
 * same script that writes the job's record, so that a crash leaves both or neither.
 */
export class IdempotencyRecords {
  readonly #redis: Redis;
  readonly #keys: JobKeys;

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** @param leaseMs how long the request may take; after a crash the key is free again by then */
  async claim(owner: string, idempotencyKey: string, leaseMs: number): Promise<ClaimOutcome> {
    const digest = createHash('sha256').update(idempotencyKey).digest('hex');
    const key = this.#keys.idempotency(owner, digest);
    const lease = randomUUID();
    const script = `
      local seen = redis.call('HMGET', KEYS[1], 'state', 'fingerprint', 'jobId', 'answer')
      if seen[1] then return seen end
      redis.call('HSET', KEYS[1], 'state', 'in-flight', 'lease', ARGV[1])
      redis.call('PEXPIRE', KEYS[1], ARGV[2])
      return {}`;
    const [state, fingerprint, jobId, answer] = (await this.#redis.eval(
      script,
      1,
      key,
      lease,
      leaseMs,
    )) as (string | null)[];
    if (!state) return { kind: 'claimed', key, lease };
    if (state === 'in-flight') return { kind: 'in-flight' };
    return {
      kind: 'done',
      fingerprint: fingerprint ?? '',
      jobId: jobId ?? '',
      answer: answer ?? '',
    };
  }

  /** Says what was asked for, before the job is written. */
  async setFingerprint({ key, lease }: Lease, fingerprint: string): Promise<void> {
    await this.#ifOurs(
      key,
      lease,
      `redis.call('HSET', KEYS[1], 'fingerprint', ARGV[2])`,
      fingerprint,
    );
  }

  /** Frees a key whose request was refused: it may be corrected and sent again. */
  async release({ key, lease }: Lease): Promise<void> {
    await this.#ifOurs(key, lease, `redis.call('DEL', KEYS[1])`, '');
  }

  async #ifOurs(key: string, lease: string, command: string, argument: string): Promise<void> {
    const script = `
      local seen = redis.call('HMGET', KEYS[1], 'lease', 'state')
      if seen[1] == ARGV[1] and seen[2] == 'in-flight' then ${command} end`;
    await this.#redis.eval(script, 1, key, lease, argument);
  }
}
