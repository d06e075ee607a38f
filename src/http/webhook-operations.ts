import { creatingScopes, webhookScopes } from './caller.ts';
import { operation, WebhookEndpointPath } from './operation.ts';
import {
  DeliveryAnswer,
  NewWebhookEndpoint,
  SubscriberSecret,
  WebhookEndpointAnswer,
  WebhookEndpointChange,
  WebhookEndpointList,
  WebhookEndpointWithSecret,
} from './webhook-resources.ts';

const tag = 'webhooks';
const scopes = webhookScopes;
const path = WebhookEndpointPath;
const readingProblems = [400, 401, 403, 404, 406, 500, 503];
const writingProblems = [400, 401, 403, 404, 406, 413, 415, 500, 503];

export const createEndpointOperation = operation({
  operationId: 'createWebhookEndpoint',
  tag,
  summary: 'Register a webhook endpoint',
  description:
    'From now on it is told of your jobs, signed after Standard Webhooks. The secret is shown in this answer only.',
  scopes,
  body: {
    isRequired: true,
    description: 'The endpoint',
    content: {
      'application/json': {
        schema: NewWebhookEndpoint,
        example: { url: 'https://ci.example.org/hooks/pressroom', eventTypes: ['job.failed'] },
      },
    },
  },
  answers: {
    201: {
      description: 'The endpoint with its secret',
      schema: WebhookEndpointWithSecret,
      headers: ['Location'],
    },
  },
  problems: [400, 401, 403, 406, 409, 413, 415, 500, 503],
});

export const listEndpointOperation = operation({
  operationId: 'listWebhookEndpoints',
  tag,
  summary: 'List webhook endpoints',
  description: 'Your own, oldest first.',
  scopes,
  answers: { 200: { description: 'The endpoints', schema: WebhookEndpointList } },
  problems: [400, 401, 403, 406, 500, 503],
});

export const subscriberSecretOperation = operation({
  operationId: 'getSubscriberSecret',
  tag,
  summary: 'Read the secret of subscribers',
  description:
    'What is sent to the `subscriber` of your executions is signed with it, as webhooks are with theirs. It changes with the sealing key of the gateway.',
  scopes: [...webhookScopes, ...creatingScopes],
  answers: { 200: { description: 'The secret', schema: SubscriberSecret } },
  problems: [400, 401, 403, 406, 500, 503],
});

export const readEndpointOperation = operation({
  operationId: 'getWebhookEndpoint',
  tag,
  summary: 'Read a webhook endpoint',
  description: 'Its settings and how it fares; never its secret.',
  scopes,
  path,
  answers: { 200: { description: 'The endpoint', schema: WebhookEndpointAnswer } },
  problems: readingProblems,
});

export const changeEndpointOperation = operation({
  operationId: 'changeWebhookEndpoint',
  tag,
  summary: 'Change a webhook endpoint',
  description: 'Changes what is named. One that was disabled is enabled here again.',
  scopes,
  path,
  body: {
    isRequired: true,
    description: 'What shall be different',
    content: {
      'application/json': { schema: WebhookEndpointChange, example: { enabled: true } },
    },
  },
  answers: { 200: { description: 'The endpoint', schema: WebhookEndpointAnswer } },
  problems: writingProblems,
});

export const deleteEndpointOperation = operation({
  operationId: 'deleteWebhookEndpoint',
  tag,
  summary: 'Delete a webhook endpoint',
  description: 'What was not delivered to it is cancelled.',
  scopes,
  path,
  answers: { 204: { description: 'It is deleted' } },
  problems: readingProblems,
});

export const rotateSecretOperation = operation({
  operationId: 'rotateWebhookSecret',
  tag,
  summary: 'Change the secret of a webhook endpoint',
  description:
    'Answers with the new secret. For 24 hours deliveries carry signatures of both the new and the old one.',
  scopes,
  path,
  answers: {
    200: { description: 'The endpoint with its new secret', schema: WebhookEndpointWithSecret },
  },
  problems: writingProblems,
});

export const pingEndpointOperation = operation({
  operationId: 'pingWebhookEndpoint',
  tag,
  summary: 'Send a webhook endpoint a ping',
  description: 'Sends the event `webhook.ping`, whatever types the endpoint asked for.',
  scopes,
  path,
  answers: { 202: { description: 'The delivery that was made', schema: DeliveryAnswer } },
  problems: [...writingProblems, 409],
});
