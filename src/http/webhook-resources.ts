import { z } from 'zod';
import { type Delivery, DeliveryAttempt, DeliveryStatus } from '../jobs/delivery-records.ts';
import { DisabledReason, type WebhookEndpoint } from '../jobs/webhook-endpoint-records.ts';
import { usualEventTypes, WebhookEventType } from '../jobs/webhook-events.ts';
import { jobUrl, jsonLink, Link } from './links.ts';
import { toTime } from './status-info.ts';

const url = z.string().min(1).max(2_000).describe('Where it is sent: https, on port 443 or 8443');
const eventTypes = z.array(WebhookEventType).min(1).max(7).describe('What is told');
const filter = z.array(z.string().min(1).max(200)).min(1).max(100);
const filters = {
  description: z.string().min(1).max(500).describe('Your own words'),
  sites: filter.describe('Only jobs on any of these sites'),
  processes: filter.describe('Only jobs of any of these processes'),
  labels: filter.describe('Only jobs with any of these labels'),
};

export const NewWebhookEndpoint = z
  .strictObject({
    url,
    eventTypes: eventTypes.default([...usualEventTypes]),
    ...z.object(filters).partial().shape,
  })
  .meta({ id: 'NewWebhookEndpoint' });
export type NewWebhookEndpoint = z.output<typeof NewWebhookEndpoint>;

export const WebhookEndpointChange = z
  .strictObject({
    url: url.optional(),
    eventTypes: eventTypes.optional(),
    description: filters.description.nullable().optional(),
    sites: filters.sites.nullable().optional(),
    processes: filters.processes.nullable().optional(),
    labels: filters.labels.nullable().optional(),
    enabled: z.boolean().optional().describe('`true` begins anew after it was disabled'),
  })
  .describe('What is named is changed; `null` removes a filter')
  .meta({ id: 'WebhookEndpointChange' });
export type WebhookEndpointChange = z.output<typeof WebhookEndpointChange>;

export const WebhookEndpointAnswer = z
  .object({
    id: z.string(),
    url: z.string(),
    eventTypes: z.array(WebhookEventType),
    ...z.object(filters).partial().shape,
    enabled: z.boolean(),
    disabled: z.object({ since: z.iso.datetime(), reason: DisabledReason }).optional(),
    failingSince: z.iso.datetime().optional().describe('Nothing could be delivered since then'),
    oldSecretUntil: z.iso
      .datetime()
      .optional()
      .describe('Until then deliveries are also signed with the secret before this one'),
    created: z.iso.datetime(),
    updated: z.iso.datetime(),
    links: z.array(Link),
  })
  .meta({ id: 'WebhookEndpoint' });

export const WebhookEndpointWithSecret = WebhookEndpointAnswer.extend({
  secret: z.string().describe('Shown this once: `whsec_…`, for the libraries of Standard Webhooks'),
}).meta({ id: 'WebhookEndpointWithSecret' });

export const WebhookEndpointList = z
  .object({ webhookEndpoints: z.array(WebhookEndpointAnswer), links: z.array(Link) })
  .meta({ id: 'WebhookEndpointList' });

export const SubscriberSecret = z
  .object({ secret: z.string().describe('What the callbacks of your jobs are signed with') })
  .meta({ id: 'SubscriberSecret' });

export const DeliveryAnswer = z
  .object({
    id: z.string().describe('The `webhook-id`, the same on every attempt'),
    kind: z
      .enum(['endpoint', 'subscriber'])
      .describe('`subscriber`: an address that the execution named itself'),
    endpointId: z.string().optional(),
    url: z.string(),
    event: WebhookEventType,
    jobId: z.string().optional(),
    status: DeliveryStatus,
    attempts: z.array(DeliveryAttempt).describe('Oldest first'),
    created: z.iso.datetime(),
    nextAttemptAt: z.iso.datetime().optional(),
    links: z.array(Link),
  })
  .meta({ id: 'Delivery' });
export type DeliveryAnswer = z.output<typeof DeliveryAnswer>;

export const DeliveryPageAnswer = z
  .object({ deliveries: z.array(DeliveryAnswer), links: z.array(Link) })
  .meta({ id: 'DeliveryPage' });

export function endpointUrl(root: string, endpointId: string): string {
  return `${root}/v1/webhook-endpoints/${endpointId}`;
}

export function toWebhookEndpoint(
  endpoint: WebhookEndpoint,
  root: string,
): z.output<typeof WebhookEndpointAnswer> {
  const { description, sites, processes, labels, disabledMs, disabledReason } = endpoint;
  const { oldSecretUntilMs = 0, failingSinceMs } = endpoint;
  const self = endpointUrl(root, endpoint.endpointId);
  return {
    id: endpoint.endpointId,
    url: endpoint.url,
    eventTypes: endpoint.eventTypes,
    ...(description !== undefined && { description }),
    ...(sites && { sites }),
    ...(processes && { processes }),
    ...(labels && { labels }),
    enabled: disabledMs === undefined,
    ...(disabledMs !== undefined && {
      disabled: { since: toTime(disabledMs), reason: disabledReason ?? 'by-owner' },
    }),
    ...(failingSinceMs !== undefined && { failingSince: toTime(failingSinceMs) }),
    ...(oldSecretUntilMs > Date.now() && { oldSecretUntil: toTime(oldSecretUntilMs) }),
    created: toTime(endpoint.createdMs),
    updated: toTime(endpoint.updatedMs),
    links: [
      jsonLink('self', self),
      jsonLink('related', `${self}/deliveries`, 'What was sent, and how it went'),
    ],
  };
}

export function toDeliveryAnswer(delivery: Delivery, root: string): DeliveryAnswer {
  const { endpointId, jobId, nextAttemptMs } = delivery;
  return {
    id: delivery.deliveryId,
    kind: delivery.kind,
    ...(endpointId !== undefined && { endpointId }),
    url: delivery.url,
    event: delivery.event,
    ...(jobId !== undefined && { jobId }),
    status: delivery.status,
    attempts: delivery.attempts,
    created: toTime(delivery.createdMs),
    ...(nextAttemptMs !== undefined && { nextAttemptAt: toTime(nextAttemptMs) }),
    links: jobId === undefined ? [] : [jsonLink('related', jobUrl(root, jobId), 'The job')],
  };
}
