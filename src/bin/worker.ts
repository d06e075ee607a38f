import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import closeWithGrace from 'close-with-grace';
import { openDocumentReader } from '../documents/document-reader.ts';
import { ChangeFeed } from '../jobs/change-feed.ts';
import { offeredJobTypes } from '../jobs/registry.ts';
import { RuntimeRouting } from '../jobs/runtime-routing.ts';
import { createEgressPolicy } from '../lib/egress-policy.ts';
import { ConfigError } from '../lib/errors.ts';
import { Lifecycle } from '../lib/lifecycle.ts';
import { createLog } from '../lib/log.ts';
import { closeRedis, openRedis } from '../lib/redis.ts';
import { openSealing } from '../lib/sealing.ts';
import { openStatusServer } from '../lib/status-server.ts';
import { openTracing } from '../lib/tracing.ts';
import { openSites } from '../sites/sites.ts';
import { FolderStorage } from '../storage/folder-storage.ts';
import { JobWorker } from '../worker/job-worker.ts';
import { RuntimeKeeper } from '../worker/runtime-keeper.ts';
import { SiteGate } from '../worker/site-gate.ts';
import { SiteMonitor } from '../worker/site-monitor.ts';
import { Upkeep } from '../worker/upkeep.ts';
import { openArcpy, toArcpyOfWorker } from './arcpy-of-machine.ts';
import { parseCommandLine } from './command-line.ts';
import { openConfiguration } from './configuration.ts';
import { createCore } from './core.ts';
import { createHouseMetrics, measureHouse } from './house-metrics.ts';
import { productVersion } from './product-version.ts';
import { parseQueueNames, ServedQueues } from './served-queues.ts';
import { openWebhooksOfWorker } from './webhooks-of-worker.ts';

/** How long what is under way may take to come to its next record, and when the process ends anyhow. */
const graceMs = 10_000;
const endMs = 30_000;

const usage = `pressroom worker [--queues here,site-<name>,arcpy-<pool>,webhooks]

  --queues  what it serves, by commas; all that it can by default`;

export async function runWorker(args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { values } = parseCommandLine(usage, { args, options: { queues: { type: 'string' } } });
  const tracing = await openTracing(env, { service: 'pressroom-worker', version: productVersion });
  const log = createLog({
    level: env.PRESSROOM_LOG_LEVEL ?? 'info',
    name: 'worker',
    ...(tracing.isOn && { fields: tracing.logFields }),
  });
  const lifecycle = new Lifecycle(log);
  tracing.reportTo(log);
  lifecycle.opened('tracing', tracing, (it) => it.close());
  // SIGHUP is not for ending: the configuration is read again.
  closeWithGrace({ delay: endMs, logger: log, skip: ['SIGHUP'] }, async ({ err, signal }) => {
    log[err ? 'fatal' : 'info']({ err, signal }, 'Stopping');
    await lifecycle.close();
  });
  const live = lifecycle.opened('configuration', await openConfiguration(env, log), (it) =>
    it.close(),
  );
  const { config } = live;
  const served = new ServedQueues(parseQueueNames(values.queues), {
    sites: Object.keys(live.now().sites),
    pool: config.arcpy.pool,
  });
  const redis = lifecycle.opened('redis', openRedis(live.redis, 'patient'), closeRedis);
  const metrics = createHouseMetrics('worker');
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
  await feed.open();
  const storage = new FolderStorage(config.storage.path);
  measureHouse(metrics, {
    ...core,
    redis,
    storage,
    siteNames: () => sites.names(),
    apiKeys: () => live.now().apiKeys,
  });
  const sealing = await openSealing({
    config: config.sealing,
    storageFolder: config.storage.path,
    resolveSecret: live.resolveSecret,
    log,
  });
  const servedSites = () => served.sitesOf(sites.names());
  const workerId = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const gate = new SiteGate(core.siteRecords, config.timing, log);
  const common = {
    ...core,
    redis,
    sites,
    documents,
    storage,
    feed,
    gate,
    log,
    workerId,
    queue: config.queue,
    metrics,
    tracing,
  };

  const monitor = lifecycle.opened(
    'site monitor',
    new SiteMonitor({ ...common, siteNames: servedSites }),
    (it) => it.close(),
  );
  const upkeep = lifecycle.opened(
    'upkeep',
    new Upkeep({ ...common, uploadsConfig: config.uploads, retention: config.retention }),
    (it) => it.close(),
  );
  const jobTypes = offeredJobTypes(config);
  const { pool, processes } = config.arcpy;
  const arcpy = served.hasPool(pool) ? await openArcpy(config, env, log) : undefined;
  if (!arcpy && served.needsPool(pool))
    throw new ConfigError(
      `--queues names arcpy-${pool}, and this machine has no ArcPy that may be used.`,
    );
  if (arcpy) lifecycle.opened('arcpy', arcpy.runtime, (it) => it.close());
  const runtimeKeeper =
    arcpy &&
    new RuntimeKeeper({
      ...{ ...arcpy, ...core, workerId, log },
      config: config.arcpy,
      routing: new RuntimeRouting({ ...core, redis, jobTypes }),
    });
  const worker = lifecycle.opened(
    'worker',
    new JobWorker({
      ...common,
      timing: config.timing,
      publishRoots: config.publishRoots,
      jobTypes,
      ...(arcpy &&
        runtimeKeeper && {
          runtimeKeeper,
          arcpy: toArcpyOfWorker(config, { ...arcpy, runtimeKeeper }),
        }),
      jobSecrets: { sealing, readSecret: live.readSecret },
    }),
    (it) => it.close(graceMs),
  );
  if (served.hasWebhooks) {
    lifecycle.opened(
      'webhooks',
      openWebhooksOfWorker(config, live.redis, {
        sealing,
        egress: createEgressPolicy(config.egress),
        workerId,
        log,
        metrics,
        tracing,
      }),
      (it) => it.close(),
    );
  }
  live.onReload(({ sites: configs }) => {
    sites.reload(configs);
    for (const name of sites.names()) sites.get(name).client.holdReleased(); // also who plans for a site logs in there
    for (const name of servedSites()) {
      gate
        .releaseLogin(name)
        .catch((error: unknown) => log.warn({ err: error, site: name }, 'A hold stays'));
    }
    monitor.watch();
    worker
      .serve(served.jobQueuesOf(sites.names()))
      .catch((error: unknown) => log.error({ err: error }, 'Queues could not be served'));
  });
  for (const name of servedSites()) await gate.releaseLogin(name);
  monitor.watch();
  upkeep.open();
  await worker.serve(served.jobQueuesOf(sites.names()));
  if (runtimeKeeper) {
    runtimeKeeper.open((isOn) => worker.serveArcpy(pool, { isOn, jobs: processes }));
    lifecycle.opened('runtime keeper', runtimeKeeper, (it) => it.close());
  }
  if (config.worker.statusPort > 0) {
    lifecycle.opened(
      'status server',
      await openStatusServer(config.worker, {
        isReady: async () => worker.isServing && redis.status === 'ready',
        metrics,
      }),
      (it) => it.close(),
    );
  }
  log.info({ workerId, sites: servedSites() }, 'Worker is ready');
}
