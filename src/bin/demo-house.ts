import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { type DocumentReader, openDocumentReader } from '../documents/document-reader.ts';
import type { Lifecycle } from '../lib/lifecycle.ts';
import { type OwnRedis, openOwnRedis } from '../lib/own-redis.ts';
import { closeRedis, openRedis } from '../lib/redis.ts';
import { openSimulatedSite, type SimulatedSite } from '../simulated-site/simulated-site.ts';
import { OwnProcessError, openOwnProcess } from './own-process.ts';

export type DemoHouse = {
  /** Root of the API, such as `http://127.0.0.1:8080/v1`. */
  api: string;
  site: SimulatedSite;
  /** For requests that mean several sites. */
  staging: SimulatedSite;
  redis: string;
  /** For files of the demo; removed with it. */
  folder: string;
  /** Rejects when a part ends by itself. */
  broken: Promise<never>;
};

type Plan = {
  env: NodeJS.ProcessEnv;
  lifecycle: Lifecycle;
  say: (line: string) => void;
  signal: AbortSignal;
};

const host = '127.0.0.1';
const usualApiPort = 8080;
const usualSitePort = 6080;
const usualStagingPort = 6081;
/** Where a receiver of callbacks on this machine may listen. */
const receiver = `${host}:9099`;
/** Long enough to see the bar move. */
const publishMs = 3_000;

/** Everything that belongs to a gateway, on this machine, with names and ports of its own. */
export async function openDemoHouse({ env, lifecycle, say, signal }: Plan): Promise<DemoHouse> {
  const folder = await openFolder(lifecycle);
  const prefix = `demo-${randomBytes(4).toString('hex')}`;
  const redis = await openDemoRedis({ env, lifecycle, say, folder, prefix });
  signal.throwIfAborted();
  const reader = lifecycle.opened('documents', openDocumentReader(), (it) => it.close());
  const site = await openDemoSite({ lifecycle, reader }, join(folder, 'site'), usualSitePort);
  const staging = await openDemoSite(
    { lifecycle, reader },
    join(folder, 'staging'),
    usualStagingPort,
  );
  signal.throwIfAborted();

  const config = {
    http: { host, port: await preferredPort(usualApiPort) },
    redis: { prefix },
    storage: { kind: 'folder', path: 'storage' },
    timing: { logSettleMs: 1_000 },
    egress: { allow: [receiver], allowHttp: true },
    sites: {
      demo: toSiteConfig(site, 'PRESSROOM_DEMO_PASSWORD'),
      staging: toSiteConfig(staging, 'PRESSROOM_STAGING_PASSWORD'),
    },
  };
  const file = join(folder, 'pressroom.yaml');
  const parts = { folder, signal, env: toChildEnv(env, { file, redis, site, staging }) };
  const http = await openHttp(parts, file, config);
  lifecycle.opened('http', http, (it) => it.close());
  const worker = await openOwnProcess({
    ...parts,
    command: 'worker',
    logFile: join(folder, 'worker.log'),
    readyWhen: 'Worker is ready',
  });
  lifecycle.opened('worker', worker, (it) => it.close());
  const broken = Promise.race([http.broken, worker.broken]);
  broken.catch(() => {}); // whoever waits for it hears it
  return {
    api: String(http.ready.url),
    site,
    staging,
    redis: env.PRESSROOM_REDIS_URL ? `as PRESSROOM_REDIS_URL says, keys ${prefix}:*` : redis.url,
    folder,
    broken,
  };
}

/** Below `data/demo`; what is empty afterwards goes too. */
async function openFolder(lifecycle: Lifecycle): Promise<string> {
  const parent = resolve('data', 'demo');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'run-'));
  return lifecycle.opened('folder', folder, async () => {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    for (const empty of [parent, dirname(parent)]) await rmdir(empty).catch(ignoreNotEmpty);
  });
}

/** Another demo, or a real gateway, has its files there. */
function ignoreNotEmpty(error: NodeJS.ErrnoException): void {
  if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(error.code ?? '')) throw error;
}

async function openDemoRedis({
  env,
  lifecycle,
  say,
  folder,
  prefix,
}: Omit<Plan, 'signal'> & { folder: string; prefix: string }): Promise<OwnRedis> {
  const data = join(folder, 'redis');
  await mkdir(data);
  const redis = await openOwnRedis(env, say, { kind: 'append-only', folder: data });
  lifecycle.opened('redis', redis, (it) => it.close());
  const isShared = redis.pid === 0;
  if (isShared) lifecycle.opened('keys', redis, (it) => removeKeys(it.url, prefix));
  return redis;
}

/** Of a Redis that is not ours, only what this demo wrote. */
async function removeKeys(url: string, prefix: string): Promise<void> {
  const redis = openRedis({ url, prefix }, 'patient');
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 500 })) {
      if ((keys as string[]).length > 0) await redis.unlink(...(keys as string[]));
    }
  } finally {
    await closeRedis(redis);
  }
}

async function openDemoSite(
  { lifecycle, reader }: { lifecycle: Lifecycle; reader: DocumentReader },
  folder: string,
  usualPort: number,
): Promise<SimulatedSite> {
  const options = { host, folder, publishMs, reader };
  const site = await openSimulatedSite({ ...options, port: usualPort }).catch((error) => {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return openSimulatedSite({ ...options, port: 0 });
  });
  return lifecycle.opened('site', site, (it) => it.close());
}

function toSiteConfig({ url, username }: SimulatedSite, variable: string) {
  return { url, auth: { username, password: { env: variable } } };
}

/** What would overrule the demo's own configuration is left out. */
function toChildEnv(
  env: NodeJS.ProcessEnv,
  {
    file,
    redis,
    site,
    staging,
  }: { file: string; redis: OwnRedis; site: SimulatedSite; staging: SimulatedSite },
): NodeJS.ProcessEnv {
  const {
    PRESSROOM_HTTP_HOST: _host,
    PRESSROOM_HTTP_PORT: _port,
    PRESSROOM_PUBLIC_URL: _publicUrl,
    PRESSROOM_LOG_LEVEL: _level,
    ...rest
  } = env;
  return {
    ...rest,
    PRESSROOM_CONFIG: file,
    PRESSROOM_REDIS_URL: redis.url,
    PRESSROOM_DEMO_PASSWORD: site.password,
    PRESSROOM_STAGING_PASSWORD: staging.password,
  };
}

/** Two demos that begin at the same time may both find the usual port free: then any other will do. */
async function openHttp(
  parts: { folder: string; env: NodeJS.ProcessEnv; signal: AbortSignal },
  file: string,
  config: { http: { host: string; port: number } },
) {
  const spec = {
    ...parts,
    command: 'http' as const,
    logFile: join(parts.folder, 'http.log'),
    readyWhen: 'API is ready',
  };
  await writeFile(file, stringify(config), { mode: 0o600 });
  try {
    return await openOwnProcess(spec);
  } catch (error) {
    const isTaken =
      error instanceof OwnProcessError &&
      error.lastLines.some((line) => line.includes('EADDRINUSE'));
    if (!isTaken) throw error;
    await writeFile(file, stringify({ ...config, http: { host, port: 0 } }), { mode: 0o600 });
    return openOwnProcess(spec);
  }
}

/** The port if nobody listens on it, else 0: any free one. */
function preferredPort(port: number): Promise<number> {
  return new Promise((resolvePort) => {
    const probe = createServer();
    probe.once('error', () => resolvePort(0));
    probe.listen(port, host, () => probe.close(() => resolvePort(port)));
  });
}
