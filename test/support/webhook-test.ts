import { test as base, expect, vi } from 'vitest';
import { type Answer, ask, askJson } from './asking.ts';
import { type Gateway, type GatewayOptions, openGateway } from './gateway.ts';
import { openReceiver, type Receiver } from './receiver.ts';

type Open = (
  receivers: Receiver[],
  options?: { settings?: Record<string, unknown>; webhooks?: Record<string, unknown> } & Pick<
    GatewayOptions,
    'hasWorker'
  >,
) => Promise<Gateway>;

const quick = {
  scheduleSeconds: [0, 0.05, 0.05],
  claimAfterSeconds: 1,
  progressSeconds: 60,
};

/** Receivers, and gateways that may send to them. */
export const test = base.extend<{ listen: () => Promise<Receiver>; open: Open }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  listen: async ({}, use) => {
    const receivers: Receiver[] = [];
    await use(async () => {
      const receiver = await openReceiver();
      receivers.push(receiver);
      return receiver;
    });
    for (const receiver of receivers) await receiver.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  open: async ({}, use) => {
    const gateways: Gateway[] = [];
    await use(async (receivers, { settings = {}, webhooks = {}, ...options } = {}) => {
      const gateway = await openGateway({
        sites: {},
        settings: {
          conformanceEcho: true,
          egress: { allowHttp: true, allow: receivers.map(({ host }) => host), timeoutSeconds: 1 },
          webhooks: { ...quick, ...webhooks },
          queue: { lockSeconds: 2, stalledCheckSeconds: 1, sweepSeconds: 1 },
          http: { publicUrl: 'https://publish.example.org' },
          ...settings,
        },
        ...options,
      });
      gateways.push(gateway);
      return gateway;
    });
    for (const gateway of gateways) await gateway.close();
  },
});

export type Endpoint = Answer['body'] & { id: string; secret: string };

export async function register(
  gateway: Gateway,
  receiver: Receiver,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Endpoint> {
  const settings = { url: `${receiver.url}/hook`, ...more };
  const answer = await askJson(gateway, '/v1/webhook-endpoints', settings, headers);
  expect(answer.status).toBe(201);
  return answer.body as Endpoint;
}

/** A job that begins at once where there is a worker. */
export async function submit(
  gateway: Gateway,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<string> {
  const answer = await askJson(
    gateway,
    '/v1/processes/echo/execution',
    { inputs: { echo: 'hello' }, ...more },
    { prefer: 'respond-async', ...headers },
  );
  expect(answer.status).toBe(201);
  return answer.body.jobID;
}

export type Delivery = {
  id: string;
  kind: string;
  url: string;
  event: string;
  status: string;
  nextAttemptAt?: string;
  attempts: { httpStatus?: number; error?: string; excerpt?: string; startedAt: string }[];
};

export async function deliveriesAt(gateway: Gateway, path: string): Promise<Delivery[]> {
  const { status: code, body } = await ask(gateway, path);
  expect(code).toBe(200);
  return body.deliveries as Delivery[];
}

/** The one delivery that fits, once it is as wanted. */
export async function deliveryWhen(
  gateway: Gateway,
  path: string,
  fits: (delivery: Delivery) => boolean,
): Promise<Delivery> {
  return vi.waitFor(
    async () => {
      const found = (await deliveriesAt(gateway, path)).find(fits);
      if (!found) throw new Error('not yet');
      return found;
    },
    { timeout: 15_000, interval: 50 },
  );
}

export const typeOf = (body: Record<string, unknown>) => body.type;

export function change(
  gateway: Gateway,
  id: string,
  settings: Record<string, unknown>,
): Promise<Answer> {
  return ask(gateway, `/v1/webhook-endpoints/${id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  });
}

/** Everything below the gateway's prefix in Redis, BullMQ's keys too. */
export async function dump({ redis, config }: Gateway): Promise<string> {
  const parts: string[] = [];
  for (const key of await redis.keys(`${config.redis.prefix}:*`)) {
    const kind = await redis.type(key);
    parts.push(key);
    if (kind === 'hash') parts.push(JSON.stringify(await redis.hgetall(key)));
    if (kind === 'string') parts.push((await redis.get(key)) ?? '');
    if (kind === 'list') parts.push(JSON.stringify(await redis.lrange(key, 0, -1)));
    if (kind === 'stream') parts.push(JSON.stringify(await redis.xrange(key, '-', '+')));
  }
  return parts.join('\n');
}
