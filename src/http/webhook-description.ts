import { JobEventBody, JobEventType, PingBody } from '../jobs/webhook-events.ts';

const refTo = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const text = { type: 'string' };

/** Headers of everything that Pressroom sends (Standard Webhooks 1.0.0). */
const parameters = [
  {
    name: 'webhook-id',
    in: 'header',
    required: true,
    description: 'The same on every attempt: what came before may be dropped',
    schema: text,
  },
  {
    name: 'webhook-timestamp',
    in: 'header',
    required: true,
    description: 'Unix seconds of this attempt',
    schema: text,
  },
  {
    name: 'webhook-signature',
    in: 'header',
    required: true,
    description: '`v1,<base64>`, several with a space between while a secret is changed',
    schema: text,
  },
];

const anyBody = {
  type: 'object',
  description: 'May be anything: its first KiB is kept for those who look for the fault',
  properties: { type: text, title: text },
};
const responses = {
  '2XX': { description: 'It was understood' },
  '4XX': {
    description:
      'It is sent again, after `Retry-After` at the earliest. 410 says that nothing more is wanted: an endpoint is disabled, a callback given up.',
    content: { 'application/problem+json': { schema: anyBody } },
  },
  default: { description: 'It is sent again' },
};

type Sent = { operationId: string; summary: string; schema: string };

function toPost({ operationId, summary, schema }: Sent) {
  return {
    post: {
      operationId,
      tags: ['webhooks'],
      summary,
      description:
        'Sent by the gateway, signed after Standard Webhooks. Anything but 2xx is sent again for about three days; redirects are not followed.',
      parameters,
      requestBody: {
        required: true,
        content: { 'application/json': { schema: refTo(schema) } },
      },
      responses,
      security: [],
    },
  };
}

/** What the `subscriber` of an execution is sent. */
export function toCallbacks(operationId: string): Record<string, object> {
  const member = (name: string) => `{$request.body#/subscriber/${name}}`;
  const sent = (name: string, summary: string, schema: string) =>
    toPost({ operationId: `${operationId}${name}`, summary, schema });
  return {
    successful: {
      [member('successUri')]: sent('Successful', 'Results of the job', 'ResultDocument'),
    },
    inProgress: {
      [member('inProgressUri')]: sent('InProgress', 'The job has begun, or goes on', 'StatusInfo'),
    },
    failed: {
      [member('failedUri')]: sent('Failed', 'The job failed or was dismissed', 'StatusInfo'),
    },
  };
}

/** What registered endpoints are sent, by type. */
export function toWebhooks(): Record<string, object> {
  const events = JobEventType.options.map((type) => [
    type,
    toPost({
      operationId: `on${toTypeName(type)}`,
      summary: `The event ${type}`,
      schema: 'JobEventBody',
    }),
  ]);
  const ping = toPost({
    operationId: 'onWebhookPing',
    summary: 'The event webhook.ping, sent on request',
    schema: 'PingBody',
  });
  return { ...Object.fromEntries(events), 'webhook.ping': ping };
}

/** Shapes that no route answers with. */
export const sentSchemas = [JobEventBody, PingBody];

function toTypeName(type: string): string {
  return type.replaceAll(/(?:^|\.)([a-z])/g, (_dot, letter: string) => letter.toUpperCase());
}
