import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { openDocumentReader } from '../src/documents/document-reader.ts';
import { Lifecycle } from '../src/lib/lifecycle.ts';
import { createLog } from '../src/lib/log.ts';
import { findFreePort, type OwnRedis, openOwnRedisAt } from '../src/lib/own-redis.ts';
import { openSimulatedSite, type SimulatedSite } from '../src/simulated-site/simulated-site.ts';
import { testTiming } from '../test/support/gateway.ts';
import { type PressroomProcess, startPressroom } from '../test/support/pressroom-process.ts';
import { WorkerPool } from '../test/support/worker-pool.ts';

const siteNames = ['north', 'south'] as const;

/** Real processes of one gateway, and the sites they publish to; each part can be ended and started anew. */
export class ChaosHouse {
  readonly prefix = 'chaos';
  readonly url: string;
  readonly redisUrl: string;
  readonly folder: string;
  readonly sites: ReadonlyMap<string, SimulatedSite>;
  readonly #lifecycle: Lifecycle;
  readonly #env: Record<string, string>;
  readonly #redisPort: number;
  readonly #pool = new WorkerPool(1);
  readonly workers = new Set<PressroomProcess>();
  http: PressroomProcess | undefined;
  redis: OwnRedis | undefined;

  private constructor(parts: {
    lifecycle: Lifecycle;
    folder: string;
    sites: Map<string, SimulatedSite>;
    env: Record<string, string>;
    httpPort: number;
    redisPort: number;
  }) {
    this.#lifecycle = parts.lifecycle;
    this.folder = parts.folder;
    this.sites = parts.sites;
    this.#env = parts.env;
    this.#redisPort = parts.redisPort;
    this.url = `http://127.0.0.1:${parts.httpPort}`;
    this.redisUrl = `redis://127.0.0.1:${parts.redisPort}`;
  }

  static async open(workerCount: number): Promise<ChaosHouse> {
    const lifecycle = new Lifecycle(createLog({ level: 'error' }));
    const folder = lifecycle.opened('folder', await mkdtemp(join(tmpdir(), 'chaos-')), (path) =>
      rm(path, { recursive: true, force: true }),
    );
    const reader = lifecycle.opened('reader', openDocumentReader(), (it) => it.close());
    const sites = new Map<string, SimulatedSite>();
    for (const name of siteNames) {
      const options = { folder: join(folder, name), reader, publishMs: 600 };
      sites.set(
        name,
        lifecycle.opened(name, await openSimulatedSite(options), (it) => it.close()),
      );
    }
    const [httpPort, redisPort] = [await findFreePort(), await findFreePort()];
    await mkdir(join(folder, 'redis'));
    const env = await writeConfiguration(folder, sites, { httpPort, redisPort });
    const house = new ChaosHouse({ lifecycle, folder, sites, env, httpPort, redisPort });
    await house.startRedis();
    await house.startHttp();
    for (let index = 0; index < workerCount; index += 1) await house.startWorker();
    return house;
  }

  async startRedis(): Promise<void> {
    const folder = join(this.folder, 'redis');
    this.redis = await openOwnRedisAt(this.#redisPort, { kind: 'append-only', folder });
  }

  async startHttp(): Promise<void> {
    this.http = await startPressroom('http', this.#env);
  }

  async startWorker(): Promise<void> {
    this.workers.add(await this.#pool.start(this.#env));
  }

  async endWorkers(): Promise<void> {
    for (const worker of this.workers) worker.signal('SIGTERM');
    await Promise.all([...this.workers].map(({ ended }) => ended));
    this.workers.clear();
  }

  async close(): Promise<void> {
    await this.endWorkers();
    this.#pool.close();
    this.http?.signal('SIGTERM');
    await this.http?.ended;
    await this.redis?.close();
    await this.#lifecycle.close();
  }
}

async function writeConfiguration(
  folder: string,
  sites: Map<string, SimulatedSite>,
  { httpPort, redisPort }: { httpPort: number; redisPort: number },
): Promise<Record<string, string>> {
  const file = join(folder, 'pressroom.yaml');
  const configured = [...sites].map(([name, { url, username }]) => [
    name,
    { url, auth: { username, password: { env: `PASSWORD_${name.toUpperCase()}` } } },
  ]);
  const config = {
    http: { port: httpPort },
    redis: { url: `redis://127.0.0.1:${redisPort}`, prefix: 'chaos' },
    storage: { kind: 'folder', path: 'storage' },
    queue: {
      lockSeconds: 3,
      stalledCheckSeconds: 1,
      sweepSeconds: 1,
      reconcileSeconds: 5,
      siteReadSeconds: 3,
    },
    timing: testTiming,
    sites: Object.fromEntries(configured),
  };
  await writeFile(file, stringify(config), { mode: 0o600 });
  const passwords = [...sites].map(([name, { password }]) => [
    `PASSWORD_${name.toUpperCase()}`,
    password,
  ]);
  return { PRESSROOM_CONFIG: file, ...Object.fromEntries(passwords) };
}
