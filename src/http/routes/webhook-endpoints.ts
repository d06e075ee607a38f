import type { FastifyInstance, FastifyRequest } from 'fastify';
import { v7 as createId } from 'uuid';
import type { z } from 'zod';
import { webhookQueue } from '../../jobs/job-queue.ts';
import {
  mostEndpoints,
  type WebhookChange,
  type WebhookEndpoint,
  type WebhookSettings,
} from '../../jobs/webhook-endpoint-records.ts';
import type { PingBody } from '../../jobs/webhook-events.ts';
import {
  createWebhookSecret,
  deriveSubscriberSecrets,
  secretOfEndpoint,
} from '../../jobs/webhook-secrets.ts';
import { RequestError } from '../../lib/errors.ts';
import { checkAddress } from '../caller-address.ts';
import { toFaults } from '../execution/execute-request.ts';
import type { HttpDeps } from '../http-deps.ts';
import { jsonLink } from '../links.ts';
import type { WebhookEndpointPath } from '../operation.ts';
import {
  changeEndpointOperation,
  createEndpointOperation,
  deleteEndpointOperation,
  listEndpointOperation,
  pingEndpointOperation,
  readEndpointOperation,
  rotateSecretOperation,
  subscriberSecretOperation,
} from '../webhook-operations.ts';
import {
  endpointUrl,
  NewWebhookEndpoint,
  toDeliveryAnswer,
  toWebhookEndpoint,
  WebhookEndpointChange,
} from '../webhook-resources.ts';

type Deps = Pick<
  HttpDeps,
  'webhookEndpoints' | 'deliveries' | 'queues' | 'sealing' | 'egress' | 'log'
>;

/** How long the secret before the newest one signs, too. */
const oldSecretMs = 24 * 3_600_000;

export async function webhookEndpointRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  const { webhookEndpoints, sealing } = deps;

  app.post('/webhook-endpoints', createEndpointOperation, async (request, reply) => {
    const { endpoint, secret } = await createEndpoint(request, deps);
    return reply
      .code(201)
      .headers({
        location: endpointUrl(request.root, endpoint.endpointId),
        'cache-control': 'no-store',
      })
      .send({ ...toWebhookEndpoint(endpoint, request.root), secret });
  });

  app.get('/webhook-endpoints', listEndpointOperation, async ({ caller, root, url }) => {
    const endpoints = await webhookEndpoints.findOf(caller.id);
    return {
      webhookEndpoints: endpoints.map((endpoint) => toWebhookEndpoint(endpoint, root)),
      links: [jsonLink('self', root + url)],
    };
  });

  app.get(
    '/webhook-endpoints/subscriber-secret',
    subscriberSecretOperation,
    async ({ caller }, reply) => {
      const [secret] = deriveSubscriberSecrets(sealing, caller.id);
      return reply.header('cache-control', 'no-store').send({ secret });
    },
  );

  app.get('/webhook-endpoints/:endpointId', readEndpointOperation, async (request) =>
    toWebhookEndpoint(await getWebhookEndpoint(request, deps), request.root),
  );

  app.patch('/webhook-endpoints/:endpointId', changeEndpointOperation, async (request) => {
    const endpoint = await getWebhookEndpoint(request, deps);
    const change = parse(WebhookEndpointChange, request.body);
    if (change.url !== undefined) await checkAddress(change.url, '#/url', deps.egress);
    await webhookEndpoints.change(endpoint.endpointId, toChange(endpoint, change));
    return toWebhookEndpoint(await getWebhookEndpoint(request, deps), request.root);
  });

  app.delete('/webhook-endpoints/:endpointId', deleteEndpointOperation, async (request, reply) => {
    await webhookEndpoints.remove(await getWebhookEndpoint(request, deps));
    return reply.code(204).send();
  });

  app.post(
    '/webhook-endpoints/:endpointId/rotate-secret',
    rotateSecretOperation,
    async (request, reply) => {
      const { endpointId, sealedSecret } = await getWebhookEndpoint(request, deps);
      const secret = createWebhookSecret();
      await webhookEndpoints.change(endpointId, {
        sealedSecret: sealing.seal(secret, secretOfEndpoint(endpointId)),
        sealedOldSecret: sealedSecret,
        oldSecretUntilMs: Date.now() + oldSecretMs,
      });
      deps.log.info({ endpointId, owner: request.caller.id }, 'Webhook secret changed');
      const endpoint = await getWebhookEndpoint(request, deps);
      return reply
        .header('cache-control', 'no-store')
        .send({ ...toWebhookEndpoint(endpoint, request.root), secret });
    },
  );

  app.post('/webhook-endpoints/:endpointId/ping', pingEndpointOperation, async (request, reply) => {
    const endpoint = await getWebhookEndpoint(request, deps);
    checkEnabled(endpoint);
    const delivery = await addPing(endpoint, deps);
    return reply.code(202).send(toDeliveryAnswer(delivery, request.root));
  });
}

/** @throws RequestError not_found, the same for an endpoint of somebody else */
export async function getWebhookEndpoint(
  request: FastifyRequest,
  { webhookEndpoints }: Pick<Deps, 'webhookEndpoints'>,
): Promise<WebhookEndpoint> {
  const { endpointId } = request.params as z.output<typeof WebhookEndpointPath>;
  const endpoint = await webhookEndpoints.find(endpointId);
  if (endpoint?.owner === request.caller.id) return endpoint;
  throw new RequestError('not_found', 'There is no webhook endpoint with this id.');
}

/** @throws RequestError conflict */
export function checkEnabled({ disabledMs }: WebhookEndpoint): void {
  if (disabledMs === undefined) return;
  throw new RequestError(
    'conflict',
    'The endpoint is disabled: change it with `enabled: true` first.',
  );
}

async function createEndpoint(
  { body, caller }: FastifyRequest,
  { webhookEndpoints, sealing, egress, log }: Deps,
): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
  const settings = parse(NewWebhookEndpoint, body) as WebhookSettings;
  await checkAddress(settings.url, '#/url', egress);
  const endpointId = createId();
  const secret = createWebhookSecret();
  const nowMs = Date.now();
  const kept = {
    endpointId,
    owner: caller.id,
    sealedSecret: sealing.seal(secret, secretOfEndpoint(endpointId)),
    createdMs: nowMs,
    updatedMs: nowMs,
  };
  if ((await webhookEndpoints.create({ ...kept, settings })) === 'full') {
    throw new RequestError('conflict', `One caller may have ${mostEndpoints} endpoints.`);
  }
  log.info({ endpointId, owner: caller.id }, 'Webhook endpoint registered');
  return { endpoint: { ...kept, ...settings }, secret };
}

function toChange(endpoint: WebhookEndpoint, change: WebhookEndpointChange): WebhookChange {
  const { enabled, ...named } = change;
  const { url, eventTypes, description, sites, processes, labels } = endpoint;
  const merged = { url, eventTypes, description, sites, processes, labels, ...named };
  const settings = Object.fromEntries(
    Object.entries(merged).filter(([, value]) => value !== null && value !== undefined),
  ) as WebhookSettings;
  const isOn = endpoint.disabledMs === undefined;
  return {
    settings,
    ...(enabled === true && { disabledMs: null, disabledReason: null, failingSinceMs: null }),
    ...(enabled === false && isOn && { disabledMs: Date.now(), disabledReason: 'by-owner' }),
  };
}

async function addPing({ endpointId, owner, url }: WebhookEndpoint, { deliveries, queues }: Deps) {
  const nowMs = Date.now();
  const body: PingBody = {
    type: 'webhook.ping',
    timestamp: new Date(nowMs).toISOString(),
    data: { endpointId },
  };
  const delivery = {
    deliveryId: `${endpointId}_ping-${createId()}`,
    kind: 'endpoint' as const,
    endpointId,
    owner,
    url,
    event: body.type,
    body: JSON.stringify(body),
    createdMs: nowMs,
    nextAttemptMs: nowMs,
  };
  await deliveries.create(delivery);
  await queues.add(webhookQueue, delivery.deliveryId, delivery.event, 0);
  return { ...delivery, status: 'pending' as const, attempts: [], tries: 0 };
}

function parse<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const { data, error } = schema.safeParse(body);
  if (!error) return data as z.output<T>;
  throw new RequestError('validation_error', 'The body is not valid.', { errors: toFaults(error) });
}
