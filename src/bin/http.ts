import closeWithGrace from 'close-with-grace';
import { openDocumentReader } from '../documents/document-reader.ts';
import { createApp } from '../http/app.ts';
import { ChangeFeed } from '../jobs/change-feed.ts';
import { offeredJobTypes } from '../jobs/registry.ts';
import { createEgressPolicy } from '../lib/egress-policy.ts';
import { Lifecycle } from '../lib/lifecycle.ts';
import { createLog } from '../lib/log.ts';
import { closeRedis, openRedis } from '../lib/redis.ts';
import { openSealing } from '../lib/sealing.ts';
import { openTracing } from '../lib/tracing.ts';
import { pause } from '../lib/wait.ts';
import { openSites } from '../sites/sites.ts';
import { FolderStorage } from '../storage/folder-storage.ts';
import { openConfiguration } from './configuration.ts';
import { createCore } from './core.ts';
import { createHouseMetrics, measureHouse } from './house-metrics.ts';
import { productVersion } from './product-version.ts';

const endMs = 30_000;

export async function runHttp(env: NodeJS.ProcessEnv): Promise<void> {
  const tracing = await openTracing(env, { service: 'pressroom-http', version: productVersion });
  const log = createLog({
    level: env.PRESSROOM_LOG_LEVEL ?? 'info',
    name: 'http',
    isBuffered: true, // a line for each request
    ...(tracing.isOn && { fields: tracing.logFields }),
  });
  const lifecycle = new Lifecycle(log);
  tracing.reportTo(log);
  lifecycle.opened('tracing', tracing, (it) => it.close());
  const stopping = new AbortController();
  // SIGHUP is not for ending: the configuration is read again.
  closeWithGrace({ delay: endMs, logger: log, skip: ['SIGHUP'] }, async ({ err, signal }) => {
    log[err ? 'fatal' : 'info']({ err, signal }, 'Stopping');
    stopping.abort();
    await lifecycle.close();
  });
  const live = lifecycle.opened('configuration', await openConfiguration(env, log), (it) =>
    it.close(),
  );
  const { config } = live;
  const redis = lifecycle.opened('redis', openRedis(live.redis, 'impatient'), closeRedis);
  const metrics = createHouseMetrics('http');
  metrics.measureProcess();
  const core = createCore(redis, config, log, { tracing, metrics });
  lifecycle.opened('queues', core.queues, (it) => it.close());
  const documents = lifecycle.opened('documents', openDocumentReader(), (it) => it.close());
  const sites = lifecycle.opened(
    'sites',
    openSites(live.now().sites, { resolveSecret: live.resolveSecret, log, metrics, tracing }),
    (it) => it.close(),
  );
  const feed = lifecycle.opened(
    'changes',
    new ChangeFeed(openRedis(live.redis, 'patient'), core.records.keys, log),
    (it) => it.close(),
  );
  void feed.open(); // callers are answered, if only with 503, while Redis is away
  live.onReload(({ sites: configs }) => sites.reload(configs));
  const storage = new FolderStorage(config.storage.path);
  measureHouse(metrics, {
    ...core,
    redis,
    storage,
    siteNames: () => sites.names(),
    apiKeys: () => live.now().apiKeys,
  });
  const app = lifecycle.opened(
    'http',
    await createApp({
      ...core,
      http: config.http,
      uploadsConfig: config.uploads,
      publicUrl: () => config.http.publicUrl ?? '',
      log,
      redis,
      sites,
      storage,
      documents,
      feed,
      sealing: await openSealing({
        config: config.sealing,
        storageFolder: config.storage.path,
        resolveSecret: live.resolveSecret,
        log,
      }),
      egress: createEgressPolicy(config.egress),
      jobTypes: offeredJobTypes(config),
      apiKeys: () => live.now().apiKeys,
      siteConfigs: () => live.now().sites,
      secretNames: () => Object.keys(live.now().secrets),
      isDraining: () => stopping.signal.aborted,
      metrics,
      tracing,
    }),
    async (it) => {
      await pause(config.http.drainSeconds * 1000, new AbortController().signal);
      await it.close();
    },
  );
  const url = await app.listen({ host: config.http.host, port: config.http.port });
  log.info({ url: `${config.http.publicUrl ?? url}/v1` }, 'API is ready');
}
