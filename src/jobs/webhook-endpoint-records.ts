import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { JobKeys } from './job-keys.ts';
import { toScriptJson } from './script-json.ts';
import { WebhookEventType } from './webhook-events.ts';

/** What the owner says of an endpoint. A filter that is absent lets everything pass. */
export const WebhookSettings = z.object({
  url: z.string(),
  eventTypes: z.array(WebhookEventType),
  description: z.string().optional(),
  sites: z.array(z.string()).optional(),
  processes: z.array(z.string()).optional(),
  labels: z.array(z.string()).optional(),
});
export type WebhookSettings = z.output<typeof WebhookSettings>;

export const DisabledReason = z
  .enum(['by-owner', 'gone', 'failing'])
  .describe('`gone`: it answered 410; `failing`: nothing could be delivered for days')
  .meta({ id: 'WebhookDisabledReason' });
export type DisabledReason = z.output<typeof DisabledReason>;

/** Times are epoch milliseconds. Secrets are sealed. */
export type WebhookEndpoint = WebhookSettings & {
  endpointId: string;
  owner: string;
  sealedSecret: string;
  /** Signs beside the new one until `oldSecretUntilMs`. */
  sealedOldSecret?: string;
  oldSecretUntilMs?: number;
  createdMs: number;
  updatedMs: number;
  failingSinceMs?: number;
  disabledMs?: number;
  disabledReason?: DisabledReason;
};

/** What is changed; `null` removes. */
export type WebhookChange = {
  settings?: WebhookSettings;
  sealedSecret?: string;
  sealedOldSecret?: string | null;
  oldSecretUntilMs?: number | null;
  failingSinceMs?: null;
  disabledMs?: number | null;
  disabledReason?: DisabledReason | null;
};

const number = z.coerce.number();
const StoredEndpoint = z.object({
  endpointId: z.string(),
  owner: z.string(),
  settings: z.string().transform((text) => WebhookSettings.parse(JSON.parse(text))),
  sealedSecret: z.string(),
  sealedOldSecret: z.string().optional(),
  oldSecretUntilMs: number.optional(),
  createdMs: number,
  updatedMs: number,
  failingSinceMs: number.optional(),
  disabledMs: number.optional(),
  disabledReason: DisabledReason.optional(),
});

/** KEYS: endpoint, endpoints of the owner. ARGV: id, how many an owner may have, fields (JSON pairs). */
const createScript = /* lua */ `
if redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[2]) then return 'full' end
for _, pair in ipairs(cjson.decode(ARGV[3])) do redis.call('HSET', KEYS[1], pair[1], pair[2]) end
redis.call('SADD', KEYS[2], ARGV[1])
return 'created'
`;

/** KEYS: endpoint. ARGV: fields (JSON pairs; '' removes). Never brings back what was deleted. */
const changeScript = /* lua */ `
if redis.call('EXISTS', KEYS[1]) == 0 then return 'missing' end
for _, pair in ipairs(cjson.decode(ARGV[1])) do
  if pair[2] == '' then redis.call('HDEL', KEYS[1], pair[1]) else redis.call('HSET', KEYS[1], pair[1], pair[2]) end
end
return 'changed'
`;

/** KEYS: endpoint. ARGV: nowMs, for how long (ms) it may have failed before it is disabled, or ''. */
const failScript = /* lua */ `
if redis.call('EXISTS', KEYS[1]) == 0 then return 'missing' end
redis.call('HSETNX', KEYS[1], 'failingSinceMs', ARGV[1])
if ARGV[2] == '' or redis.call('HEXISTS', KEYS[1], 'disabledMs') == 1 then return 'kept' end
local since = tonumber(redis.call('HGET', KEYS[1], 'failingSinceMs'))
if tonumber(ARGV[1]) - since < tonumber(ARGV[2]) then return 'kept' end
redis.call('HSET', KEYS[1], 'disabledMs', ARGV[1], 'disabledReason', 'failing')
return 'disabled'
`;

/** How many endpoints one owner may have. */
export const mostEndpoints = 20;

/** Addresses that callers registered, and how they fare. */
export class WebhookEndpointRecords {
  readonly #redis: Redis;
  readonly #keys: JobKeys;

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async create(
    endpoint: Pick<
      WebhookEndpoint,
      'endpointId' | 'owner' | 'sealedSecret' | 'createdMs' | 'updatedMs'
    > & { settings: WebhookSettings },
  ): Promise<'created' | 'full'> {
    const { endpointId, owner } = endpoint;
    const outcome = await this.#redis.eval(
      createScript,
      2,
      this.#keys.webhook(endpointId),
      this.#keys.webhooksOf(owner),
      endpointId,
      String(mostEndpoints),
      toPairs(endpoint),
    );
    return outcome as 'created' | 'full';
  }

  async find(endpointId: string): Promise<WebhookEndpoint | undefined> {
    return toEndpoint(await this.#redis.hgetall(this.#keys.webhook(endpointId)));
  }

  /** Oldest first. */
  async findOf(owner: string): Promise<WebhookEndpoint[]> {
    const ids = await this.#redis.smembers(this.#keys.webhooksOf(owner));
    if (ids.length === 0) return [];
    const pipeline = this.#redis.pipeline();
    for (const id of ids) pipeline.hgetall(this.#keys.webhook(id));
    const replies = (await pipeline.exec()) ?? [];
    return replies
      .flatMap(([error, hash]) => {
        if (error) throw error;
        return toEndpoint(hash as Record<string, string>) ?? [];
      })
      .sort((a, b) => a.createdMs - b.createdMs);
  }

  async change(endpointId: string, change: WebhookChange): Promise<'changed' | 'missing'> {
    const key = this.#keys.webhook(endpointId);
    const pairs = toPairs({ ...change, updatedMs: Date.now() });
    return (await this.#redis.eval(changeScript, 1, key, pairs)) as 'changed' | 'missing';
  }

  async noteSuccess(endpointId: string): Promise<void> {
    await this.#redis.hdel(this.#keys.webhook(endpointId), 'failingSinceMs');
  }

  /** @param disableAfterMs given when a delivery is given up: the endpoint goes when it failed for so long */
  async noteFailure(
    endpointId: string,
    { disableAfterMs }: { disableAfterMs?: number } = {},
  ): Promise<'missing' | 'kept' | 'disabled'> {
    const outcome = await this.#redis.eval(
      failScript,
      1,
      this.#keys.webhook(endpointId),
      String(Date.now()),
      disableAfterMs === undefined ? '' : String(disableAfterMs),
    );
    return outcome as 'missing' | 'kept' | 'disabled';
  }

  async remove({ endpointId, owner }: WebhookEndpoint): Promise<void> {
    await this.#redis
      .multi()
      .del(this.#keys.webhook(endpointId))
      .srem(this.#keys.webhooksOf(owner), endpointId)
      .exec();
  }
}

function toPairs(members: Record<string, unknown>): string {
  return toScriptJson(
    Object.entries(members).map(([name, value]) => [
      name,
      value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  );
}

function toEndpoint(hash: Record<string, string>): WebhookEndpoint | undefined {
  if (!hash.endpointId) return undefined;
  const { settings, ...members } = StoredEndpoint.parse(hash);
  return { ...settings, ...members } as WebhookEndpoint;
}
