import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Delivery, DeliveryStatus } from '../../jobs/delivery-records.ts';
import { webhookQueue } from '../../jobs/job-queue.ts';
import { RequestError } from '../../lib/errors.ts';
import { jobReadingScopes, webhookScopes } from '../caller.ts';
import type { HttpDeps } from '../http-deps.ts';
import { noSuchJob } from '../job-access.ts';
import { jsonLink } from '../links.ts';
import { DeliveryPath, JobPath, operation, WebhookEndpointPath } from '../operation.ts';
import { capped, Limit, oneOf, toValues, ValueList } from '../query-values.ts';
import { DeliveryAnswer, DeliveryPageAnswer, toDeliveryAnswer } from '../webhook-resources.ts';
import { checkEnabled, getWebhookEndpoint } from './webhook-endpoints.ts';

const DeliveryQuery = z.strictObject({
  status: ValueList.optional().describe('Any of these statuses'),
  limit: Limit,
  cursor: z.string().max(300).optional().describe('Where to go on: take it from the link `next`'),
});

type Deps = Pick<HttpDeps, 'records' | 'webhookEndpoints' | 'deliveries' | 'queues'>;

export async function deliveryRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  const { deliveries, records } = deps;

  app.get('/webhook-endpoints/:endpointId/deliveries', ofEndpointOperation, async (request) => {
    const { endpointId } = await getWebhookEndpoint(request, deps);
    return readPage(request, (page) => deliveries.listOfEndpoint(endpointId, page));
  });

  app.get('/jobs/:jobId/deliveries', ofJobOperation, async (request) => {
    const { jobId } = request.params as z.output<typeof JobPath>;
    const record = await records.find(jobId);
    // Addresses may hold secrets: they are shown to nobody but their owner.
    if (record?.owner !== request.caller.id) throw noSuchJob();
    return readPage(request, (page) => deliveries.listOfJob(jobId, page));
  });

  app.post('/deliveries/:deliveryId/redeliver', redeliverOperation, async (request, reply) => {
    const { deliveryId, event } = await getDelivery(request, deps);
    await deliveries.revive(deliveryId);
    await deps.queues.add(webhookQueue, deliveryId, event, 0);
    await deps.queues.promote(webhookQueue, deliveryId);
    const revived = await getDelivery(request, deps);
    return reply.code(202).send(toDeliveryAnswer(revived, request.root));
  });
}

async function readPage(
  { query, root, url }: FastifyRequest,
  list: (page: Parameters<HttpDeps['deliveries']['listOfJob']>[1]) => Promise<Delivery[]>,
) {
  const { status, limit, cursor } = query as z.output<typeof DeliveryQuery>;
  const statuses = oneOf('status', toValues(status), DeliveryStatus.options);
  const found = await list({
    count: capped(limit) + 1,
    ...(statuses && { status: statuses }),
    ...(cursor !== undefined && { after: cursor }),
  });
  const page = found.slice(0, capped(limit));
  const last = found.length > page.length ? page.at(-1)?.deliveryId : undefined;
  return {
    deliveries: page.map((delivery) => toDeliveryAnswer(delivery, root)),
    links: [
      jsonLink('self', root + url),
      ...(last === undefined ? [] : [jsonLink('next', toNextUrl(root + url, last))]),
    ],
  };
}

function toNextUrl(url: string, cursor: string): string {
  const [path = '', search = ''] = url.split('?');
  const query = new URLSearchParams(search);
  query.set('cursor', cursor);
  return `${path}?${query}`;
}

/** @throws RequestError not_found; conflict where its endpoint is gone or disabled */
async function getDelivery(
  request: FastifyRequest,
  { deliveries, webhookEndpoints }: Pick<Deps, 'deliveries' | 'webhookEndpoints'>,
): Promise<Delivery> {
  const { deliveryId } = request.params as z.output<typeof DeliveryPath>;
  const delivery = await deliveries.find(deliveryId);
  if (delivery?.owner !== request.caller.id) {
    throw new RequestError('not_found', 'There is no delivery with this id.');
  }
  if (delivery.endpointId === undefined) return delivery;
  const endpoint = await webhookEndpoints.find(delivery.endpointId);
  if (!endpoint) throw new RequestError('conflict', 'The endpoint of the delivery was deleted.');
  checkEnabled(endpoint);
  return delivery;
}

const page = { 200: { description: 'A page of deliveries', schema: DeliveryPageAnswer } };
const problems = [400, 401, 403, 404, 406, 500, 503];

const ofEndpointOperation = operation({
  operationId: 'listDeliveriesOfWebhookEndpoint',
  tag: 'webhooks',
  summary: 'List deliveries to a webhook endpoint',
  description: 'Newest first, each with its attempts.',
  scopes: webhookScopes,
  path: WebhookEndpointPath,
  query: DeliveryQuery,
  answers: page,
  problems,
});

const ofJobOperation = operation({
  operationId: 'listDeliveriesOfJob',
  tag: 'webhooks',
  summary: 'List deliveries about a job',
  description:
    'To endpoints and to the subscriber of the execution, newest first. For the owner of the job.',
  scopes: [...webhookScopes, ...jobReadingScopes],
  path: JobPath,
  query: DeliveryQuery,
  answers: page,
  problems,
});

const redeliverOperation = operation({
  operationId: 'redeliver',
  tag: 'webhooks',
  summary: 'Send a delivery again',
  description:
    'With the same id, from the beginning of the schedule; one that is pending is sent at once.',
  scopes: webhookScopes,
  path: DeliveryPath,
  answers: { 202: { description: 'The delivery', schema: DeliveryAnswer } },
  problems: [400, 401, 403, 404, 406, 409, 413, 415, 500, 503],
});
