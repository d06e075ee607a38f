import { jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { OpenAPIV3, OpenAPIV3_1 } from 'openapi-types';
import { z } from 'zod';
import { describeProblem, errorCodes } from '../lib/problem.ts';
import type { JsonSchema } from './input-description.ts';
import { requestHeaderParameters, responseHeaders } from './openapi-headers.ts';
import type { Operation, RequestBody } from './operation.ts';
import { sentSchemas, toWebhooks } from './webhook-description.ts';

type Document = Partial<OpenAPIV3_1.Document>;
type Schemas = Record<string, JsonSchema>;
type Described = JsonSchema & {
  operationId?: string;
  description?: string;
  parameters?: unknown[];
  responses: Schemas;
};

const problemMedia = 'application/problem+json';
const refTo = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });

/** Lays over what the plugins made what they cannot say: bodies, headers, security and shared problems. */
export function finishDocument(
  made: { openapiObject: Partial<OpenAPIV3.Document | OpenAPIV3_1.Document> },
  operations: ReadonlyMap<string, Operation>,
): Document {
  const whole = tidy(jsonSchemaTransformObject(made)) as Document;
  const { '/v1/': landing, ...paths } = whole.paths ?? {};
  whole.paths = { ...(landing && { '/v1': landing }), ...paths };
  const known = (whole.components?.schemas ?? {}) as Schemas;
  for (const item of Object.values(whole.paths ?? {})) {
    for (const described of Object.values(item ?? {}) as unknown as Described[]) {
      const operation = operations.get(described.operationId ?? '');
      if (operation) finishOperation(described, operation, known);
    }
  }
  whole.webhooks = toWebhooks();
  for (const schema of sentSchemas) hoistDefinitions(schema, known);
  const components = {
    securitySchemes: whole.components?.securitySchemes,
    schemas: known,
    parameters: requestHeaderParameters,
    headers: responseHeaders,
    responses: toProblemResponses([...operations.values()]),
  };
  return {
    ...whole,
    components: { ...components, schemas: onlyUsed(known, { ...whole, components }) },
  } as Document;
}

function finishOperation(described: Described, operation: Operation, known: Schemas): void {
  const { scopes, problems, answers, requestHeaders = [], body } = operation;
  described.security = scopes === 'public' ? [] : [{ apiKey: [] }, { bearer: [] }];
  if (scopes !== 'public' && scopes.length > 0) {
    described.description += `\n\nNeeds one of the scopes ${scopes.map((scope) => `\`${scope}\``).join(', ')}.`;
  }
  if (requestHeaders.length > 0) {
    const refs = requestHeaders.map((name) => refTo('parameters', name.replaceAll('-', '')));
    described.parameters = [...(described.parameters ?? []), ...refs];
  }
  if (operation.callbacks) described.callbacks = operation.callbacks;
  if (body) described.requestBody = toRequestBody(body, known);
  for (const [status, { headers = [] }] of Object.entries(answers)) {
    const answer = described.responses[status] ?? {};
    answer.headers = Object.fromEntries(
      [...headers, 'X-Request-Id'].map((name) => [
        name,
        refTo('headers', name.replaceAll('-', '')),
      ]),
    );
    if (!answers[Number(status)]?.schema) delete answer.content;
  }
  for (const status of problems)
    described.responses[status] = refTo('responses', `Problem${status}`);
}

function toRequestBody(
  { isRequired, description, content }: RequestBody,
  known: Schemas,
): JsonSchema {
  const media = Object.entries(content).map(([type, { schema, example }]) => [
    type,
    {
      schema: schema instanceof z.ZodType ? hoistDefinitions(schema, known) : tidy(schema),
      ...(example !== undefined && { example }),
    },
  ]);
  return { required: isRequired, description, content: Object.fromEntries(media) };
}

/** What callers send, with its named parts among the components. */
function hoistDefinitions(schema: z.ZodType, known: Schemas): unknown {
  const {
    $schema: _,
    $defs = {},
    ...json
  } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const toComponents = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(tidy(value)).replaceAll('#/$defs/', '#/components/schemas/'));
  for (const [name, { id: _id, ...definition }] of Object.entries($defs as Schemas)) {
    known[name] = toComponents(definition) as JsonSchema;
  }
  const { id, ...root } = toComponents(json) as JsonSchema;
  if (typeof id !== 'string') return root;
  known[id] = root;
  return refTo('schemas', id);
}

function toProblemResponses(operations: Operation[]): Record<string, unknown> {
  const statuses = [...new Set(operations.flatMap(({ problems }) => problems))].sort();
  const retry = new Set([404, 409, 503]);
  return Object.fromEntries(
    statuses.map((status) => {
      const codes = errorCodes.filter((code) => describeProblem(code).status === status);
      const names = [
        'X-Request-Id',
        ...(retry.has(status) ? ['Retry-After'] : []),
        ...(status === 401 ? ['WWW-Authenticate'] : []),
      ];
      const response = {
        description: `Problem; \`code\` is one of ${codes.map((code) => `\`${code}\``).join(', ')}`,
        headers: Object.fromEntries(
          names.map((name) => [name, refTo('headers', name.replaceAll('-', ''))]),
        ),
        content: { [problemMedia]: { schema: refTo('schemas', 'Problem') } },
      };
      return [`Problem${status}`, response];
    }),
  );
}

/** Without the bounds and patterns that say nothing. */
function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy);
  if (value === null || typeof value !== 'object') return value;
  const { ...members } = value as JsonSchema;
  if (members.minimum === Number.MIN_SAFE_INTEGER) delete members.minimum;
  if (members.maximum === Number.MAX_SAFE_INTEGER) delete members.maximum;
  if (members.format === 'date-time') delete members.pattern;
  if (JSON.stringify(members.propertyNames) === '{"type":"string"}') delete members.propertyNames;
  return Object.fromEntries(Object.entries(members).map(([key, inner]) => [key, tidy(inner)]));
}

function onlyUsed(schemas: Schemas, document: object): Schemas {
  const used = new Set<string>();
  const follow = (value: unknown): void => {
    for (const [, name = ''] of JSON.stringify(value).matchAll(
      /"#\/components\/schemas\/([^"/]+)"/g,
    )) {
      if (used.has(name)) continue;
      used.add(name);
      follow(schemas[name] ?? {});
    }
  };
  follow({ ...document, components: { ...(document as Document).components, schemas: {} } });
  return Object.fromEntries([...used].sort().map((name) => [name, schemas[name] ?? {}]));
}
