import type { Redis } from 'ioredis';
import { z } from 'zod';
import { RequestError } from '../lib/errors.ts';
import {
  createDeliveryScript,
  reviveDeliveryScript,
  settleDeliveryScript,
} from './delivery-scripts.ts';
import type { JobKeys } from './job-keys.ts';
import { toScriptJson } from './script-json.ts';
import { WebhookEventType } from './webhook-events.ts';

export const DeliveryStatus = z
  .enum(['pending', 'delivered', 'failed', 'cancelled'])
  .describe('`cancelled`: the endpoint was disabled or deleted')
  .meta({ id: 'DeliveryStatus' });
export type DeliveryStatus = z.output<typeof DeliveryStatus>;

export const DeliveryAttempt = z
  .object({
    startedAt: z.iso.datetime(),
    durationMs: z.int(),
    httpStatus: z.int().optional().describe('What the receiver answered'),
    error: z
      .string()
      .optional()
      .describe(
        'Why there was no answer: `timeout`, `connection_failed`, `tls_failed`, `bad_response`, `destination_not_allowed`',
      ),
    excerpt: z.string().optional().describe('Beginning of the answer, at most 1 KiB'),
  })
  .meta({ id: 'DeliveryAttempt' });
export type DeliveryAttempt = z.output<typeof DeliveryAttempt>;

/** One thing to be told to one receiver. Its id is the `webhook-id`, the same on every attempt. */
export type Delivery = {
  deliveryId: string;
  owner: string;
  kind: 'endpoint' | 'subscriber';
  endpointId?: string;
  /** The address that was called last, or will be called. */
  url: string;
  event: WebhookEventType;
  jobId?: string;
  body: string;
  status: DeliveryStatus;
  attempts: DeliveryAttempt[];
  /** Attempts since it was made, or sent again by hand. */
  tries: number;
  createdMs: number;
  nextAttemptMs?: number;
};

export type NewDelivery = Omit<Delivery, 'status' | 'attempts' | 'tries'>;

/** Lets at most one delivery pass in a time. */
export type Throttle = { key: string; ms: number };

export type Settlement = {
  status: DeliveryStatus;
  url?: string;
  attempt?: DeliveryAttempt;
  nextAttemptMs?: number;
};

const number = z.coerce.number();
const StoredDelivery = z.object({
  deliveryId: z.string(),
  owner: z.string(),
  kind: z.enum(['endpoint', 'subscriber']),
  endpointId: z.string().optional(),
  url: z.string(),
  event: WebhookEventType,
  jobId: z.string().optional(),
  body: z.string(),
  status: DeliveryStatus,
  tries: number,
  createdMs: number,
  nextAttemptMs: number.optional(),
});

/** What is to be told, was told or could not be told; in Redis until its age. */
export class DeliveryRecords {
  readonly #redis: Redis;
  readonly #keys: JobKeys;
  readonly #keepMs: number;
  readonly #keepCount: number;

  constructor(redis: Redis, keys: JobKeys, options: { keepDays: number; keepCount: number }) {
    this.#redis = redis;
    this.#keys = keys;
    this.#keepMs = options.keepDays * 86_400_000;
    this.#keepCount = options.keepCount;
  }

  async create(
    delivery: NewDelivery,
    throttle?: Throttle,
  ): Promise<'created' | 'exists' | 'throttled'> {
    const { deliveryId, endpointId, jobId } = delivery;
    const fields = Object.entries({ ...delivery, status: 'pending', tries: 0 })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)]);
    const keys = [
      this.#keys.delivery(deliveryId),
      this.#keys.dueDeliveries,
      this.#keys.deliveryThrottle(throttle?.key ?? ''),
      ...(endpointId === undefined ? [] : [this.#keys.deliveriesOfEndpoint(endpointId)]),
      ...(jobId === undefined ? [] : [this.#keys.deliveriesOfJob(jobId)]),
    ];
    const outcome = await this.#redis.eval(
      createDeliveryScript,
      keys.length,
      ...keys,
      deliveryId,
      String(Date.now()),
      String(this.#keepMs),
      toScriptJson(fields),
      String(delivery.nextAttemptMs ?? Date.now()),
      String(throttle?.ms ?? 0),
    );
    return outcome as 'created' | 'exists' | 'throttled';
  }

  async find(deliveryId: string): Promise<Delivery | undefined> {
    const [delivery] = await this.#findMany([deliveryId]);
    return delivery;
  }

  /** Writes what came of it. Without `nextAttemptMs` nothing more is done for it. */
  async settle(deliveryId: string, settlement: Settlement): Promise<void> {
    await this.#redis.eval(
      settleDeliveryScript,
      4,
      this.#keys.delivery(deliveryId),
      this.#keys.dueDeliveries,
      this.#keys.deliveryAttempts(deliveryId),
      this.#keys.settledDeliveries,
      deliveryId,
      String(this.#keepMs),
      settlement.status,
      settlement.url ?? '',
      settlement.attempt ? toScriptJson(settlement.attempt) : '',
      settlement.nextAttemptMs === undefined ? '' : String(settlement.nextAttemptMs),
      String(Date.now()),
    );
  }

  /** Makes it due now, from the beginning of the schedule if it was over. */
  async revive(deliveryId: string): Promise<'revived' | 'missing'> {
    const outcome = await this.#redis.eval(
      reviveDeliveryScript,
      3,
      this.#keys.delivery(deliveryId),
      this.#keys.dueDeliveries,
      this.#keys.settledDeliveries,
      deliveryId,
      String(Date.now()),
      String(this.#keepMs),
    );
    return outcome as 'revived' | 'missing';
  }

  /** Removes settled deliveries beyond the number that is kept, those that were settled first. */
  async removeBeyond(most: number): Promise<void> {
    const settled = this.#keys.settledDeliveries;
    await this.#redis.zremrangebyscore(settled, '-inf', String(Date.now() - this.#keepMs)); // gone by themselves
    const tooMany = Math.min(most, (await this.#redis.zcard(settled)) - this.#keepCount);
    if (tooMany <= 0) return;
    const ids = await this.#redis.zrange(settled, '0', String(tooMany - 1));
    for (const { deliveryId, endpointId, jobId } of await this.#findMany(ids)) {
      const gone = this.#redis
        .multi()
        .del(this.#keys.delivery(deliveryId), this.#keys.deliveryAttempts(deliveryId));
      if (endpointId) gone.zrem(this.#keys.deliveriesOfEndpoint(endpointId), deliveryId);
      if (jobId) gone.zrem(this.#keys.deliveriesOfJob(jobId), deliveryId);
      await gone.exec();
    }
    if (ids.length > 0) await this.#redis.zrem(settled, ...ids);
  }

  /** Newest first; `after` is the id of the last one of the page before. */
  async listOfEndpoint(endpointId: string, page: DeliveryPage): Promise<Delivery[]> {
    return this.#list(this.#keys.deliveriesOfEndpoint(endpointId), page);
  }

  async listOfJob(jobId: string, page: DeliveryPage): Promise<Delivery[]> {
    return this.#list(this.#keys.deliveriesOfJob(jobId), page);
  }

  /** Ids of what should have been sent before a time, a part at a time. */
  async findDueBefore(ms: number, offset: number, count: number): Promise<string[]> {
    return this.#redis.zrangebyscore(
      this.#keys.dueDeliveries,
      '-inf',
      String(ms),
      'LIMIT',
      offset,
      count,
    );
  }

  /** How many deliveries are owed, and when the first of them is or was due (epoch milliseconds). */
  async readBacklog(): Promise<{ count: number; firstDueMs?: number }> {
    const [count, first] = await Promise.all([
      this.#redis.zcard(this.#keys.dueDeliveries),
      this.#redis.zrange(this.#keys.dueDeliveries, '0', '0', 'WITHSCORES'),
    ]);
    const firstDueMs = Number(first[1] ?? Number.NaN);
    return { count, ...(Number.isFinite(firstDueMs) && { firstDueMs }) };
  }

  async forgetDue(deliveryId: string): Promise<void> {
    await this.#redis.zrem(this.#keys.dueDeliveries, deliveryId);
  }

  async #list(index: string, { status, after, count }: DeliveryPage): Promise<Delivery[]> {
    const rank = after === undefined ? -1 : await this.#redis.zrevrank(index, after);
    if (rank === null) {
      throw new RequestError('invalid_cursor', 'The cursor names no delivery of this list.');
    }
    const found: Delivery[] = [];
    let from = rank + 1;
    while (found.length < count) {
      const ids = await this.#redis.zrevrange(index, String(from), String(from + batch - 1));
      const fitting = (await this.#findMany(ids)).filter(
        (each) => status === undefined || status.includes(each.status),
      );
      found.push(...fitting);
      from += batch;
      if (ids.length < batch) break;
    }
    return found.slice(0, count);
  }

  async #findMany(ids: string[]): Promise<Delivery[]> {
    if (ids.length === 0) return [];
    const pipeline = this.#redis.pipeline();
    for (const id of ids) {
      pipeline.hgetall(this.#keys.delivery(id)).lrange(this.#keys.deliveryAttempts(id), '0', '-1');
    }
    const replies = (await pipeline.exec()) ?? [];
    return ids.flatMap((_id, at) => {
      const [[hashError, hash], [attemptsError, attempts]] = [
        replies[2 * at] ?? [null, {}],
        replies[2 * at + 1] ?? [null, []],
      ];
      if (hashError ?? attemptsError) throw hashError ?? attemptsError;
      return toDelivery(hash as Record<string, string>, attempts as string[]) ?? [];
    });
  }
}

export type DeliveryPage = { status?: DeliveryStatus[]; after?: string; count: number };

const batch = 100;

function toDelivery(hash: Record<string, string>, attempts: string[]): Delivery | undefined {
  if (!hash.deliveryId) return undefined;
  const stored = StoredDelivery.parse(hash) as Omit<Delivery, 'attempts'>;
  return { ...stored, attempts: attempts.map((text) => DeliveryAttempt.parse(JSON.parse(text))) };
}
