import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { finishDocument } from '../openapi-document.ts';
import type { Operation } from '../operation.ts';

/** Collects the operations of all routes; `app.swagger()` gives the OpenAPI 3.1 document. */
export const openapi = fp<{ version: string }>(async (app, { version }) => {
  const operations = collectOperations(app);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Pressroom',
        version,
        summary: 'Publishes to ArcGIS Server sites, as jobs',
        description:
          'OGC API - Processes, Part 1: Core, version 1.0: what can be done are processes, each execution is a job that tells how it went. Every refusal is a problem (RFC 9457) with a stable `code`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        contact: { name: 'The operator of this gateway' },
      },
      servers: [
        { url: 'http://127.0.0.1:8080', description: 'As it starts without configuration' },
      ],
      tags: [
        { name: 'capabilities', description: 'What this deployment is and can' },
        { name: 'processes', description: 'What can be done, and asking for it' },
        { name: 'jobs', description: 'What was asked for, and how it went' },
        { name: 'uploads', description: 'Files for jobs' },
        { name: 'artifacts', description: 'Files that jobs made' },
        { name: 'sites', description: 'The ArcGIS Server sites behind the gateway' },
        { name: 'webhooks', description: 'Being told instead of asking' },
        { name: 'operation', description: 'For those who run the gateway' },
      ],
      components: {
        securitySchemes: {
          apiKey: {
            type: 'apiKey',
            in: 'header',
            name: 'X-API-Key',
            description: 'The key itself',
          },
          bearer: { type: 'http', scheme: 'bearer', description: 'The same key as a Bearer token' },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => {
      if (!('openapiObject' in document)) throw new Error('This is an OpenAPI document');
      return finishDocument(document, operations);
    },
  });
});

function collectOperations(app: FastifyInstance): Map<string, Operation> {
  const operations = new Map<string, Operation>();
  app.addHook('onRoute', ({ config }) => {
    if (config?.operation) operations.set(config.operation.operationId, config.operation);
  });
  return operations;
}
