import type { FastifyInstance } from 'fastify';
import type { OpenAPIV3_1 } from 'openapi-types';
import { escapeHtml, sendPage } from '../html-page.ts';

/** The OpenAPI document of this deployment, and a plain page made of it. */
export async function documentationRoutes(app: FastifyInstance): Promise<void> {
  const hidden = { hide: true } as const;
  const json = 'application/vnd.oai.openapi+json;version=3.1';
  const produces = ['application/json', 'application/vnd.oai.openapi+json'];

  app.get(
    '/openapi.json',
    { schema: hidden, config: { produces } },
    async ({ root, headers }, reply) => {
      const type = headers.accept?.includes('vnd.oai') ? json : 'application/json';
      const document = { ...app.swagger(), servers: [{ url: root }] };
      return reply.header('content-type', type).send(Buffer.from(JSON.stringify(document)));
    },
  );

  app.get(
    '/docs',
    { schema: hidden, config: { produces: ['text/html'] } },
    async (_request, reply) =>
      sendPage(reply, 'Pressroom API', listOperations(app.swagger() as OpenAPIV3_1.Document)),
  );
}

function listOperations({ paths = {} }: OpenAPIV3_1.Document): string {
  const entries = Object.entries(paths).flatMap(([path, item]) =>
    (['get', 'post', 'delete'] as const).flatMap((method) => {
      const operation = item?.[method];
      if (!operation) return [];
      const { summary = '', description = '' } = operation;
      return [
        `<dt><code>${method.toUpperCase()} ${escapeHtml(path)}</code> ${escapeHtml(summary)}</dt>`,
        `<dd>${escapeHtml(description)}</dd>`,
      ];
    }),
  );
  return `<p>The whole description: <a href="openapi.json">openapi.json</a>.</p><dl>${entries.join('')}</dl>`;
}
