import { z } from 'zod';

const SubscriberUri = z.string().min(1).max(2_000);

/** Where the caller of an execution wants to be told of its job (OGC API - Processes 1.0, `subscriber`). */
export const Subscriber = z
  .strictObject({
    successUri: SubscriberUri.optional().describe('Is sent the results document'),
    inProgressUri: SubscriberUri.optional().describe(
      'Is sent statusInfo when the job has begun and goes on',
    ),
    failedUri: SubscriberUri.optional().describe(
      'Is sent statusInfo when the job failed or was dismissed',
    ),
  })
  .describe('Addresses that are sent news of the job; signed as the webhooks are')
  .meta({ id: 'Subscriber' });
export type Subscriber = z.output<typeof Subscriber>;
