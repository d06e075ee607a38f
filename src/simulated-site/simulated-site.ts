import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import multipart from '@fastify/multipart';
import fastify, { type FastifyInstance } from 'fastify';
import { SimulatedSiteControl } from './control.ts';
import { dataOperations } from './data-operations.ts';
import { type Exchange, mount } from './exchange.ts';
import { folderOperations } from './folder-operations.ts';
import { loginOperations } from './login-operations.ts';
import type { Operation } from './operation.ts';
import { portalOperations } from './portal-operations.ts';
import { publishingOperations } from './publishing-operations.ts';
import { readForm } from './receive.ts';
import { RequestLog } from './request-log.ts';
import { restOperations } from './rest-operations.ts';
import { serviceExtraOperations } from './service-extra-operations.ts';
import { serviceOperations } from './service-operations.ts';
import { type SimulatedSiteOptions, type SiteSettings, toSettings } from './settings.ts';
import { mountSimulation } from './simulation-routes.ts';
import { siteOperations } from './site-operations.ts';
import { notFound, toRefusalBody } from './site-refusal.ts';
import { SiteState } from './site-state.ts';
import { uploadOperations } from './upload-operations.ts';

export type { SimulatedSiteControl } from './control.ts';
export type { Fault } from './faults.ts';
export type { SimulatedSiteOptions } from './settings.ts';

export type SimulatedSite = {
  /** Root of the site with its context, such as `http://127.0.0.1:6080/arcgis`. */
  url: string;
  port: number;
  username: string;
  password: string;
  control: SimulatedSiteControl;
  close(): Promise<void>;
};

const unlimited = 2 ** 52;

/** An ArcGIS Server site that is not one. It listens when the promise is kept; the caller closes it. */
export async function openSimulatedSite(options: SimulatedSiteOptions): Promise<SimulatedSite> {
  const settings = toSettings(options);
  await mkdir(settings.folder, { recursive: true });
  const site = new SiteState(settings);
  const requests = new RequestLog();
  const control = new SimulatedSiteControl(site, requests);
  const app = createServer(settings);
  await app.register(multipart, { limits: { fileSize: unlimited, fieldSize: unlimited } });
  for (const operation of allOperations(site)) mount(app, { site, requests }, operation);
  mountSimulation(app, control);
  mountNotFound(app, { site, requests });
  await app.listen({ host: settings.host, port: settings.port });
  const port = (app.server.address() as AddressInfo).port;
  const scheme = settings.tls ? 'https' : 'http';
  return {
    url: `${scheme}://${settings.host}:${port}/${settings.context}`,
    port,
    username: settings.username,
    password: settings.password,
    control,
    close: async () => {
      await site.close();
      await app.close();
    },
  };
}

function allOperations(site: SiteState): Operation[] {
  return [
    ...loginOperations(site),
    ...portalOperations(site),
    ...siteOperations(site),
    ...uploadOperations(site),
    ...folderOperations(site),
    ...serviceOperations(site),
    ...serviceExtraOperations(site),
    ...publishingOperations(site),
    ...dataOperations(site),
    ...restOperations(site),
  ];
}

/** Clients write `//` for the root folder and end paths with a slash. */
function createServer({ tls }: SiteSettings): FastifyInstance {
  const common = {
    bodyLimit: unlimited,
    forceCloseConnections: true,
    routerOptions: {
      ignoreDuplicateSlashes: true,
      ignoreTrailingSlash: true,
      maxParamLength: 1000,
    },
  };
  const app = tls
    ? (fastify({ ...common, https: tls }) as unknown as FastifyInstance)
    : fastify(common);
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    async (_request: unknown, body: string) => readForm(body),
  );
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async () => undefined);
  return app;
}

/** Below `/admin` and `/rest` a site answers unknown names with its own envelopes. */
function mountNotFound(app: FastifyInstance, { site, requests }: Exchange): void {
  const root = `/${site.settings.context}`;
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const { method } = request;
    const record = { method, path, operation: 'unknown', isChange: false, params: {} };
    requests.add({ ...record, at: Date.now() });
    const name = decodeURIComponent(path.split('/').filter(Boolean).at(-1) ?? '');
    if (path.startsWith(`${root}/admin/`)) return toRefusalBody('admin', notFound(name));
    if (path.startsWith(`${root}/rest/`)) return toRefusalBody('rest', notFound(name));
    return reply.code(404).type('text/html').send('<html><body>404 Not Found</body></html>');
  });
}
