import multipart from '@fastify/multipart';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { z } from 'zod';
import { RequestError, type RequestFault } from '../lib/errors.ts';
import type { HttpDeps } from './http-deps.ts';
import { authentication } from './plugins/authentication.ts';
import { measuring } from './plugins/measuring.ts';
import { negotiation } from './plugins/negotiation.ts';
import { openapi } from './plugins/openapi.ts';
import { problems, sendProblem } from './plugins/problems.ts';
import { requestBodies } from './plugins/request-bodies.ts';
import { chooseRequestId, hostOf, requestContext } from './plugins/request-context.ts';
import { requestTracing } from './plugins/request-tracing.ts';
import { answerClientError, answerOutsideRoutes } from './raw-problems.ts';
import { RequestLog } from './request-log.ts';
import { arcpyRuntimeRoutes } from './routes/arcpy-runtimes.ts';
import { artifactRoutes } from './routes/artifacts.ts';
import { dataStoreItemRoutes } from './routes/data-store-items.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { documentationRoutes } from './routes/documentation.ts';
import { eventRoutes } from './routes/events.ts';
import { executionRoutes } from './routes/execution.ts';
import { healthRoutes } from './routes/health.ts';
import { jobRoutes } from './routes/job.ts';
import { jobChildrenRoutes } from './routes/job-children.ts';
import { jobLogRoutes } from './routes/job-log.ts';
import { jobPriorityRoutes } from './routes/job-priority.ts';
import { jobRetryRoutes } from './routes/job-retry.ts';
import { jobListRoutes } from './routes/jobs.ts';
import { landingRoutes } from './routes/landing.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { problemPageRoutes } from './routes/problem-pages.ts';
import { processRoutes } from './routes/processes.ts';
import { serviceHistoryRoutes } from './routes/service-history.ts';
import { siteHoldRoutes } from './routes/site-holds.ts';
import { siteRoutes } from './routes/sites.ts';
import { uploadRoutes } from './routes/uploads.ts';
import { webhookEndpointRoutes } from './routes/webhook-endpoints.ts';
import { UploadReceiver } from './upload-receiver.ts';

/**
 * A connection on which nothing moves for this long is given up, however long an upload may take. More
 * than a caller may ask to wait for a job.
 */
const stalledAfterMs = 90_000;

/** The version of the API's description, which is that of the package. */
const apiVersion = '0.1.0';

/** Builds the API and does not listen. Whoever opened the deps closes them, after the app. */
export async function createApp(deps: HttpDeps): Promise<FastifyInstance> {
  const app: FastifyInstance = Fastify({
    loggerInstance: deps.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: deps.http.bodyLimitBytes,
    connectionTimeout: stalledAfterMs,
    genReqId: chooseRequestId,
    childLoggerFactory: (log, bindings, options) => new RequestLog(log, bindings, options),
    http: { requireHostHeader: false }, // a problem of ours says it
    return503OnClosing: false, // a problem of ours says it
    frameworkErrors: (error, request, reply) => {
      request.root = deps.publicUrl() || hostOf(request);
      sendProblem(error, request, reply);
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, deps.publicUrl()),
  });
  answerOutsideRoutes(app.server, deps.publicUrl);
  app.setValidatorCompiler<z.ZodType>(
    ({ schema }) =>
      (value) =>
        parseParameters(schema, value),
  );
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  await app.register(measuring, deps);
  if (deps.tracing.isOn) await app.register(requestTracing, deps);
  await app.register(requestContext, deps);
  await app.register(problems);
  await app.register(negotiation);
  await app.register(openapi, { version: apiVersion });
  closeIdleConnections(app);
  await app.register(healthRoutes, deps);
  await app.register(metricsRoutes, deps);
  await app.register(problemPageRoutes);
  await app.register(documentationRoutes);
  await app.register(createApi(deps), { prefix: '/v1' });
  await app.ready();
  return app;
}

function createApi(deps: HttpDeps): (api: FastifyInstance) => Promise<void> {
  return async (api) => {
    const closing = new AbortController();
    api.addHook('preClose', async () => closing.abort(new Error('This process is stopping')));
    const withReceiver = { ...deps, receiver: new UploadReceiver(deps), closing: closing.signal };
    await api.register(authentication, { apiKeys: deps.apiKeys });
    await api.register(multipart, { throwFileSizeLimit: false });
    await api.register(requestBodies);
    await api.register(landingRoutes);
    await api.register(processRoutes, deps);
    await api.register(executionRoutes, withReceiver);
    await api.register(jobListRoutes, deps);
    await api.register(jobRoutes, deps);
    await api.register(jobLogRoutes, deps);
    await api.register(jobChildrenRoutes, deps);
    await api.register(jobPriorityRoutes, deps);
    await api.register(eventRoutes, deps);
    await api.register(jobRetryRoutes, withReceiver);
    await api.register(uploadRoutes, withReceiver);
    await api.register(artifactRoutes, deps);
    await api.register(siteRoutes, deps);
    await api.register(serviceHistoryRoutes, deps);
    await api.register(arcpyRuntimeRoutes, deps);
    await api.register(dataStoreItemRoutes, deps);
    await api.register(webhookEndpointRoutes, deps);
    await api.register(deliveryRoutes, deps);
    await api.register(siteHoldRoutes, deps);
  };
}

/**
 * A connection whose last answer was under way when closing began is idle only afterwards, and would be
 * kept for more than a minute: so idle ones are closed until none is left.
 */
function closeIdleConnections(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    const closing = setInterval(() => app.server.closeIdleConnections(), 100);
    app.server.once('close', () => clearInterval(closing));
  });
}

/** Characters of a name of the caller's own that are repeated to it. */
const longestName = 100;

/** Query and path, named where they are at fault. */
function parseParameters(schema: z.ZodType, value: unknown): { value?: unknown; error?: Error } {
  const { data, error } = schema.safeParse(value);
  if (!error) return { value: data };
  const errors = error.issues.flatMap((issue): (RequestFault & { parameter: string })[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((parameter) => ({
          parameter: parameter.slice(0, longestName),
          code: issue.code,
          detail: 'is not a parameter here',
        }))
      : [{ parameter: issue.path.join('.'), code: issue.code, detail: issue.message }],
  );
  const names = errors.map(({ parameter }) => parameter).join(', ');
  return { error: new RequestError('invalid_parameter', `Not valid: ${names}.`, { errors }) };
}
