import type { FastifySchema, RouteShorthandOptions } from 'fastify';
import { z } from 'zod';
import { Problem } from '../lib/problem.ts';

type Tag =
  | 'capabilities'
  | 'processes'
  | 'jobs'
  | 'uploads'
  | 'artifacts'
  | 'sites'
  | 'webhooks'
  | 'operation';

/** A body by media type; schemas as JSON Schema or Zod. */
export type RequestBody = {
  isRequired: boolean;
  description: string;
  content: Record<string, { schema: z.ZodType | object; example?: unknown }>;
};

/** What a route says of itself beside its handler: the OpenAPI document is made of it. */
export type Operation = {
  operationId: string;
  tag: Tag;
  summary: string;
  description: string;
  /** One of these scopes is needed; `public`: no key at all. */
  scopes: readonly string[] | 'public';
  query?: z.ZodObject;
  path?: z.ZodObject;
  /** Request headers with a meaning here. */
  requestHeaders?: readonly ('Prefer' | 'Idempotency-Key' | 'If-None-Match' | 'Repr-Digest')[];
  body?: RequestBody;
  answers: Record<
    number,
    {
      description: string;
      schema?: z.ZodType;
      types?: readonly string[];
      /** Where the answer may be bare text in place of the schema. */
      textTypes?: readonly string[];
      headers?: readonly string[];
    }
  >;
  problems: readonly number[];
  produces?: readonly string[];
  /** Addresses in the request that are called later, by name (OpenAPI, Callback Object). */
  callbacks?: Record<string, object>;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: Operation;
  }
}

export const JobPath = z.object({ jobId: z.string().describe('Id of the job') });
export const UploadPath = z.object({ uploadId: z.string().describe('Id of the upload') });
export const ArtifactPath = z.object({ artifactId: z.string().describe('Id of the artifact') });
export const WebhookEndpointPath = z.object({
  endpointId: z.string().describe('Id of the webhook endpoint'),
});
export const DeliveryPath = z.object({ deliveryId: z.string().describe('Id of the delivery') });
export const SitePath = z.object({ site: z.string().describe('Name of a configured site') });

/** Route options of an operation. A query that names anything unknown is refused on every route. */
export function operation(described: Operation): RouteShorthandOptions {
  const { operationId, tag, summary, description, scopes, query, path, produces } = described;
  const schema: FastifySchema = {
    operationId,
    tags: [tag],
    summary,
    description,
    querystring: query ?? z.strictObject({}),
    ...(path && { params: path }),
    response: toResponses(described),
  };
  return {
    schema,
    config: {
      operation: described,
      ...(scopes !== 'public' && { scopes }),
      ...(produces && { produces }),
    },
  };
}

function toResponses({ answers, problems }: Operation): Record<string, unknown> {
  const successes = Object.entries(answers).map(
    ([status, { description, schema, types = ['application/json'], textTypes = [] }]) => [
      status,
      schema
        ? {
            description,
            content: {
              ...Object.fromEntries(types.map((type) => [type, { schema }])),
              ...Object.fromEntries(textTypes.map((type) => [type, { schema: z.string() }])),
            },
          }
        : z.undefined().describe(description),
    ],
  );
  const refusals = problems.map((status) => [
    String(status),
    { description: 'Problem', content: { 'application/problem+json': { schema: Problem } } },
  ]);
  return Object.fromEntries([...successes, ...refusals]);
}
