import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { inject } from 'vitest';
import { openArcpy, toArcpyOfWorker } from '../../src/bin/arcpy-of-machine.ts';
import { createCore } from '../../src/bin/core.ts';
import { createHouseMetrics, measureHouse } from '../../src/bin/house-metrics.ts';
import { openWebhooksOfWorker } from '../../src/bin/webhooks-of-worker.ts';
import type { DocumentReader } from '../../src/documents/document-reader.ts';
import { buildServiceDefinition } from '../../src/documents/service-definition-builder.ts';
import { createApp } from '../../src/http/app.ts';
import { ChangeFeed } from '../../src/jobs/change-feed.ts';
import { queueNameOf } from '../../src/jobs/job-queue.ts';
import { hasEnded, type JobRecord } from '../../src/jobs/job-record.ts';
import type { JobType } from '../../src/jobs/job-type.ts';
import { offeredJobTypes } from '../../src/jobs/registry.ts';
import { RuntimeRouting } from '../../src/jobs/runtime-routing.ts';
import { createEgressPolicy } from '../../src/lib/egress-policy.ts';
import { ConfigError } from '../../src/lib/errors.ts';
import { Lifecycle } from '../../src/lib/lifecycle.ts';
import { createLog } from '../../src/lib/log.ts';
import { parseConfig } from '../../src/lib/read-config.ts';
import { closeRedis, openRedis } from '../../src/lib/redis.ts';
import { openSealing } from '../../src/lib/sealing.ts';
import { createSecretResolver } from '../../src/lib/secret-reference.ts';
import { type Tracing, tracingOff } from '../../src/lib/tracing.ts';
import { openSites } from '../../src/sites/sites.ts';
import { FolderStorage } from '../../src/storage/folder-storage.ts';
import { JobWorker } from '../../src/worker/job-worker.ts';
import { RuntimeKeeper } from '../../src/worker/runtime-keeper.ts';
import { SiteGate } from '../../src/worker/site-gate.ts';
import { SiteMonitor } from '../../src/worker/site-monitor.ts';
import { Upkeep } from '../../src/worker/upkeep.ts';
import { sharedReader } from './shared-reader.ts';

/** Pauses of a test: as short as a well-behaved client may be. */
export const testTiming = {
  pollMinMs: 450,
  pollMaxMs: 1_000,
  lookAgainMs: 600,
  watchMs: 1_500,
  logSettleMs: 50,
  retryMinMs: 50,
  retryMaxMs: 200,
  siteClosedMs: 500,
  listedWithinMs: 3_000,
  outageProbeMs: 50,
};

export type GatewayOptions = {
  sites: Record<
    string,
    { url: string; username: string; password: string; [setting: string]: unknown }
  >;
  settings?: Record<string, unknown>;
  /** Without a worker jobs stay accepted. */
  hasWorker?: boolean;
  /** The one that all tests share by default. */
  documents?: DocumentReader;
  tracing?: Tracing;
  /** Where the lines of its log go, all levels; nowhere by default. */
  logTo?: { write: (line: string) => void };
  /** What the Python process of a worker gets to see; with `settings.arcpy`. */
  pythonEnv?: NodeJS.ProcessEnv;
  /** Offered beside those of the product. */
  jobTypes?: readonly JobType[];
};

export type Gateway = Awaited<ReturnType<typeof openGateway>>;

/** A whole gateway in this process: real HTTP, real Redis, real files; only the sites are simulated. */
export async function openGateway({
  sites: wanted,
  settings = {},
  hasWorker = true,
  documents = sharedReader(),
  tracing = tracingOff,
  logTo,
  pythonEnv = {},
  jobTypes: more = [],
}: GatewayOptions) {
  const log = logTo
    ? createLog({ level: 'trace', destination: logTo })
    : createLog({ level: process.env.PRESSROOM_TEST_LOG ?? 'silent' });
  const lifecycle = new Lifecycle(createLog({ level: 'error' }));
  const folder = lifecycle.opened('folder', await mkdtemp(join(tmpdir(), 'gateway-')), (path) =>
    rm(path, { recursive: true, force: true }),
  );
  const config = parseConfig(toSettings(wanted, settings), { baseFolder: folder });
  const resolveSecret = async (reference: { env: string } | { file: string }) => {
    const name = 'env' in reference ? reference.env : reference.file;
    return wanted[name]?.password ?? '';
  };
  const impatient = lifecycle.opened('redis', openRedis(config.redis, 'impatient'), closeRedis);
  const patient = lifecycle.opened('patient redis', openRedis(config.redis, 'patient'), closeRedis);
  await new Promise((resolve) =>
    impatient.status === 'ready' ? resolve(null) : impatient.once('ready', resolve),
  );
  const metrics = createHouseMetrics('http');
  const core = createCore(impatient, config, log, { tracing, metrics });
  lifecycle.opened('queues', core.queues, (it) => it.close());
  const sites = lifecycle.opened(
    'sites',
    openSites(config.sites, { resolveSecret, log, metrics, tracing }),
    (it) => it.close(),
  );
  const patientRecords = createCore(patient, config, log).records;
  const feed = lifecycle.opened(
    'feed',
    new ChangeFeed(openRedis(config.redis, 'patient'), core.records.keys, log),
    (it) => it.close(),
  );
  await feed.open();
  const storage = new FolderStorage(config.storage.path);
  const sealing = await openSealing({
    config: config.sealing,
    storageFolder: config.storage.path,
    resolveSecret,
    log,
  });
  const readSecret = async (name: string) => {
    const reference = config.secrets[name];
    if (!reference) throw new ConfigError(`There is no secret ${name}`);
    return createSecretResolver(process.env)(reference);
  };
  const egress = createEgressPolicy(config.egress);
  const jobTypes = [...offeredJobTypes(config), ...more];
  measureHouse(metrics, {
    ...core,
    redis: impatient,
    storage,
    siteNames: () => sites.names(),
    apiKeys: () => config.apiKeys,
  });
  const app: FastifyInstance = lifecycle.opened(
    'app',
    await createApp({
      ...core,
      http: config.http,
      uploadsConfig: config.uploads,
      publicUrl: () => '',
      log,
      redis: impatient,
      sites,
      storage,
      documents,
      feed,
      sealing,
      egress,
      jobTypes,
      apiKeys: () => config.apiKeys,
      siteConfigs: () => config.sites,
      secretNames: () => Object.keys(config.secrets),
      isDraining: () => false,
      metrics,
      tracing,
    }),
    (it) => it.close(),
  );
  const url = await app.listen({ host: '127.0.0.1', port: 0 });

  /** A worker of its own in this process; closing it hands its jobs over. */
  async function openWorker() {
    const own = createCore(patient, config, log, { tracing, metrics });
    const gate = new SiteGate(own.siteRecords, config.timing, log);
    const common = {
      ...own,
      redis: patient,
      sites,
      documents,
      storage,
      feed,
      gate,
      log,
      workerId: randomUUID(),
      queue: config.queue,
      metrics,
      tracing,
    };
    const arcpy = await openArcpy(config, pythonEnv, log);
    const runtimeKeeper =
      arcpy &&
      new RuntimeKeeper({
        ...{ ...arcpy, ...own, workerId: common.workerId, log },
        config: config.arcpy,
        routing: new RuntimeRouting({ ...own, redis: patient, jobTypes }),
      });
    const monitor = new SiteMonitor({ ...common, siteNames: () => sites.names() });
    const upkeep = new Upkeep({
      ...common,
      uploadsConfig: config.uploads,
      retention: config.retention,
    });
    const worker = new JobWorker({
      ...common,
      timing: config.timing,
      publishRoots: config.publishRoots,
      jobTypes,
      jobSecrets: { sealing, readSecret },
      ...(arcpy &&
        runtimeKeeper && {
          runtimeKeeper,
          arcpy: toArcpyOfWorker(config, { ...arcpy, runtimeKeeper }),
        }),
    });
    monitor.watch();
    upkeep.open();
    await worker.serve([undefined, ...sites.names()].map(queueNameOf));
    const { pool, processes } = config.arcpy;
    runtimeKeeper?.open((isOn) => worker.serveArcpy(pool, { isOn, jobs: processes }));
    const webhooks = openWebhooksOfWorker(config, config.redis, {
      sealing,
      egress,
      workerId: common.workerId,
      log,
      metrics,
      tracing,
    });
    return {
      worker,
      upkeep,
      close: async () => {
        await runtimeKeeper?.close();
        await webhooks.close();
        await worker.close(2_000);
        await arcpy?.runtime.close();
        await upkeep.close();
        await monitor.close();
        await own.queues.close();
      },
    };
  }
  if (hasWorker) lifecycle.opened('worker', await openWorker(), (it) => it.close());

  /** Waits for news of the job, never by the clock. */
  async function until(
    jobId: string,
    isSo: (record: JobRecord) => boolean,
    patienceMs = 30_000,
  ): Promise<JobRecord> {
    return new Promise((resolve, reject) => {
      let stop = () => {};
      const late = setTimeout(async () => {
        stop();
        const record = await patientRecords.find(jobId);
        const { params: _, steps, ...shown } = record ?? { params: 0, steps: [] };
        reject(
          new Error(
            `Not so in time: ${JSON.stringify({ ...shown, steps: steps.map((each) => `${each.name} ${each.state}`) })}`,
          ),
        );
      }, patienceMs);
      const look = async () => {
        const record = await patientRecords.find(jobId);
        if (!record || !isSo(record)) return;
        clearTimeout(late);
        stop();
        resolve(record);
      };
      stop = feed.listenTo(jobId, () => void look());
      void look();
    });
  }

  return {
    url,
    config,
    core,
    sites,
    storage,
    documents,
    folder,
    redis: impatient,
    /** The variables that hold the passwords of the sites, for processes of the same configuration. */
    passwords: Object.fromEntries(
      Object.entries(wanted).map(([name, { password }]) => [name, password]),
    ),
    openWorker,
    until,
    ended: (jobId: string, patienceMs?: number) => until(jobId, hasEnded, patienceMs),
    /** One multipart request, as a caller sends it. */
    async publish(
      definition: string,
      inputs: Record<string, string>,
      headers: Record<string, string> = {},
      signal: AbortSignal | null = null,
      root = url,
      process = 'publish-service-definition',
    ) {
      const form = new FormData();
      for (const [name, value] of Object.entries(inputs)) form.set(name, value);
      form.set('serviceDefinition', await openAsBlob(definition), 'definition.sd');
      const response = await fetch(`${root}/v1/processes/${process}/execution`, {
        method: 'POST',
        body: form,
        headers,
        signal,
      });
      return {
        response,
        body: (await response.json()) as Record<string, unknown> & { jobID: string },
      };
    },
    async build(spec: Partial<Parameters<typeof buildServiceDefinition>[1]> = {}): Promise<string> {
      const path = join(folder, `${randomUUID()}.sd`);
      await buildServiceDefinition(path, {
        serviceName: 'Roads',
        layers: ['Roads', 'Bridges'],
        ...spec,
      });
      return path;
    },
    async messages(jobId: string): Promise<string[]> {
      const rows = await core.events.readLog(jobId, '', 1_000);
      return rows.map(({ entry }) => (entry as { message: string }).message);
    },
    close: () => lifecycle.close(),
  };
}

function toSettings(sites: GatewayOptions['sites'], settings: Record<string, unknown>) {
  return {
    redis: settings.redis ?? { url: inject('redisUrl'), prefix: `t${randomUUID().slice(0, 13)}` },
    storage: { kind: 'folder', path: 'storage' },
    timing: testTiming,
    arcpy: { enabled: false },
    sites: Object.fromEntries(
      Object.entries(sites).map(([name, { url, username, password: _, ...more }]) => [
        name,
        { url, auth: { username, password: { env: name } }, ...more },
      ]),
    ),
    ...settings,
  };
}
