import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { openDocumentReader } from '../src/documents/document-reader.ts';
import { Lifecycle } from '../src/lib/lifecycle.ts';
import { createLog } from '../src/lib/log.ts';
import { findFreePort, type OwnRedis, openOwnRedisAt } from '../src/lib/own-redis.ts';
import { openSimulatedSite, type SimulatedSite } from '../src/simulated-site/simulated-site.ts';
import { testTiming } from '../test/support/gateway.ts';
import { type PressroomProcess, startPressroom } from '../test/support/pressroom-process.ts';
import { openReceiver, type Receiver } from '../test/support/receiver.ts';
import { TcpProxy } from '../test/support/tcp-proxy.ts';
import { WorkerPool } from '../test/support/worker-pool.ts';

export const siteNames = ['north', 'south'] as const;
const storageMiB = 320; // http keeps 256 free

/** A worker, and its own line to Redis. */
export type ChaosWorker = { process: PressroomProcess; line: TcpProxy };

type Parts = {
  lifecycle: Lifecycle;
  folder: string;
  sites: Map<string, SimulatedSite>;
  receiver: Receiver;
  httpPort: number;
  redisPort: number;
  isStorageSmall: boolean;
  /** Per site: what is read from a site is capped at 2. */
  slots: number;
};

/** Real processes of one gateway, and the sites they publish to; each part can be ended and started anew. */
export class ChaosHouse {
  readonly prefix = 'chaos';
  readonly url: string;
  readonly redisUrl: string;
  readonly folder: string;
  readonly sites: ReadonlyMap<string, SimulatedSite>;
  /** Hears of every job. */
  readonly receiver: Receiver;
  /** Whether storage is a disk of its own, that can be filled. */
  readonly isStorageSmall: boolean;
  readonly #parts: Parts;
  readonly #pool = new WorkerPool(1);
  readonly #outputs: (() => string)[] = [];
  readonly workers = new Set<ChaosWorker>();
  http: PressroomProcess | undefined;
  redis: OwnRedis | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.folder = parts.folder;
    this.sites = parts.sites;
    this.receiver = parts.receiver;
    this.isStorageSmall = parts.isStorageSmall;
    this.url = `http://127.0.0.1:${parts.httpPort}`;
    this.redisUrl = `redis://127.0.0.1:${parts.redisPort}`;
  }

  static async open(options: { workers: number; publishMs: number; slots: number }) {
    const lifecycle = new Lifecycle(createLog({ level: 'error' }));
    const folder = lifecycle.opened('folder', await mkdtemp(join(tmpdir(), 'chaos-')), (path) =>
      rm(path, { recursive: true, force: true }),
    );
    const storage = join(folder, 'storage');
    await mkdir(storage);
    const isStorageSmall = await mountSmall(storage);
    if (isStorageSmall)
      lifecycle.opened('disk', storage, (path) => promisify(execFile)('umount', ['-l', path]));
    const reader = lifecycle.opened('reader', openDocumentReader(), (it) => it.close());
    const sites = new Map<string, SimulatedSite>();
    for (const name of siteNames) {
      const site = await openSimulatedSite({
        folder: join(folder, name),
        reader,
        publishMs: options.publishMs,
        publishingInstances: options.slots,
      });
      sites.set(
        name,
        lifecycle.opened(name, site, (it) => it.close()),
      );
    }
    const receiver = lifecycle.opened('receiver', await openReceiver(), (it) => it.close());
    const [httpPort, redisPort] = [await findFreePort(), await findFreePort()];
    await mkdir(join(folder, 'redis'));
    const house = new ChaosHouse({
      ...{ lifecycle, folder, sites, receiver, httpPort, redisPort, isStorageSmall },
      slots: options.slots,
    });
    await house.startRedis();
    await house.startHttp();
    for (let index = 0; index < options.workers; index += 1) await house.startWorker();
    return house;
  }

  async startRedis(): Promise<void> {
    const folder = join(this.folder, 'redis');
    // A kill is tried here, and no power cut: what Redis itself would lose is nothing to find in the books.
    const persistence = { kind: 'append-only', folder, fsync: 'no' } as const;
    this.redis = await openOwnRedisAt(this.#parts.redisPort, persistence);
  }

  async startHttp(): Promise<void> {
    this.http = await startPressroom('http', await this.#environment(this.#parts.redisPort));
  }

  async startWorker(): Promise<void> {
    const line = new TcpProxy(this.#parts.redisPort);
    const env = await this.#environment(await line.open());
    const process = await this.#pool.start(env);
    this.#outputs.push(process.output);
    this.workers.add({ process, line });
  }

  /** What any worker has logged of a job, those that are gone included. */
  findLogLines(jobId: string, fits: RegExp): string[] {
    const lines = this.#outputs.flatMap((output) => output().split('\n'));
    return lines.filter((line) => line.includes(jobId) && fits.test(line));
  }

  /** @returns the exit code */
  async endWorker(worker: ChaosWorker, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    this.workers.delete(worker);
    worker.process.signal('SIGCONT');
    worker.process.signal(signal);
    const { code } = await worker.process.ended;
    await worker.line.close();
    return code;
  }

  async endWorkers(): Promise<void> {
    await Promise.all([...this.workers].map((worker) => this.endWorker(worker, 'SIGTERM')));
  }

  async close(): Promise<void> {
    await this.endWorkers();
    this.#pool.close();
    this.http?.signal('SIGTERM');
    await this.http?.ended;
    await this.redis?.close();
    await this.#parts.lifecycle.close();
  }

  async #environment(redisPort: number): Promise<Record<string, string>> {
    const { folder, sites, httpPort, receiver, slots } = this.#parts;
    const file = join(folder, `pressroom-${redisPort}.yaml`);
    const configured = [...sites].map(([name, { url, username }]) => [
      name,
      { url, slots, auth: { username, password: { env: `PASSWORD_${name.toUpperCase()}` } } },
    ]);
    const config = {
      http: { port: httpPort },
      redis: { url: `redis://127.0.0.1:${redisPort}`, prefix: this.prefix },
      storage: { kind: 'folder', path: 'storage' },
      queue: {
        ...{ lockSeconds: 3, stalledCheckSeconds: 1, sweepSeconds: 1, reconcileSeconds: 5 },
        siteReadSeconds: 3,
      },
      timing: testTiming,
      webhooks: { scheduleSeconds: [0, 1, 1, 2, 2, 2, 4, 4, 8, 8], claimAfterSeconds: 3 },
      egress: { allowHttp: true, allow: [receiver.host], timeoutSeconds: 2 },
      sites: Object.fromEntries(configured),
    };
    await writeFile(file, stringify(config), { mode: 0o600 });
    const passwords = [...sites].map(([name, { password }]) => [
      `PASSWORD_${name.toUpperCase()}`,
      password,
    ]);
    return { PRESSROOM_CONFIG: file, ...Object.fromEntries(passwords) };
  }
}

/** Only root may mount, and only where the system lets it; without it the disk is never full. */
async function mountSmall(folder: string): Promise<boolean> {
  const options = ['-t', 'tmpfs', '-o', `size=${storageMiB}m`, 'tmpfs', folder];
  return promisify(execFile)('mount', options).then(
    () => true,
    () => false,
  );
}
