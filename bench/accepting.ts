import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { Pool } from 'undici';
import { buildServiceDefinition } from '../src/documents/service-definition-builder.ts';
import { findFreePort } from '../src/lib/own-redis.ts';
import { type Figure, measureRate, median, openHouse, readProcessorMs, start } from './support.ts';

const count = 3_000;
const atOnce = 50;
const bareServer = fileURLToPath(new URL('./bare-server.ts', import.meta.url));

/** Executions accepted a second, beside a bare route with Zod and one `queue.add`. */
export async function measureAccepting(): Promise<Figure[]> {
  const house = await openHouse();
  const barePort = await findFreePort();
  const bare = await start(
    ['--import', 'tsx', bareServer, 'accept', String(barePort), house.redis.url],
    {},
    /ready/,
  );
  const definition = join(house.folder, 'roads.sd');
  await buildServiceDefinition(definition, { serviceName: 'Roads', layers: ['Roads'] });
  const uploaded = await fetch(`${house.url}/v1/uploads?name=roads.sd`, {
    method: 'POST',
    body: new Uint8Array(await readFile(definition)),
    headers: { 'content-type': 'application/octet-stream' },
  });
  const { id } = (await uploaded.json()) as { id: string };
  const ask = (origin: string, path: string) => {
    const pool = new Pool(origin, { connections: atOnce });
    return async (index: number) => {
      const body = JSON.stringify({
        inputs: {
          site: 'demo',
          serviceName: `Roads${index}`,
          serviceDefinition: { href: `/v1/uploads/${id}` },
        },
      });
      const response = await pool.request({
        path,
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      });
      await response.body.dump();
      if (response.statusCode !== 201) throw new Error(`answered ${response.statusCode}`);
    };
  };
  const ours = ask(house.url, '/v1/processes/publish-service-definition/execution');
  const theirs = ask(`http://127.0.0.1:${barePort}`, '/execution');
  await measureRate(500, atOnce, ours);
  await measureRate(500, atOnce, theirs);
  const redisPid = await readRedisPid(house.redis.url);
  const [accepting, adding] = [new Spent(house.http.pid, redisPid), new Spent(bare.pid, redisPid)];
  for (let run = 0; run < 5; run += 1) {
    await adding.of(count, () => measureRate(count, atOnce, theirs));
    await accepting.of(count, () => measureRate(count, atOnce, ours));
  }
  await bare.end();
  await house.close();
  const compared = (what: string, unit: string, of: (spent: Spent) => number): Figure => {
    const [value, baseline] = [of(accepting), of(adding)];
    return { what, value, unit, baseline, ratio: value / baseline };
  };
  return [
    compared('executions accepted', '/s', ({ rates }) => median(rates)),
    compared('processor time for one, server', 'ms', (spent) => spent.perJob(spent.serverMs)),
    compared('processor time for one, Redis', 'ms', (spent) => spent.perJob(spent.redisMs)),
    compared('processor time for one, caller', 'ms', (spent) => spent.perJob(spent.callerMs)),
  ];
}

/** Rates, and processor time of those who take part: the same work takes the same time on a busy machine. */
class Spent {
  readonly rates: number[] = [];
  serverMs = 0;
  redisMs = 0;
  callerMs = 0;
  #jobs = 0;
  readonly #serverPid: number;
  readonly #redisPid: number;

  constructor(serverPid: number, redisPid: number) {
    this.#serverPid = serverPid;
    this.#redisPid = redisPid;
  }

  async of(jobs: number, measure: () => Promise<number>): Promise<void> {
    const [serverMs, redisMs] = [readProcessorMs(this.#serverPid), readProcessorMs(this.#redisPid)];
    const before = process.cpuUsage();
    this.rates.push(await measure());
    const { user, system } = process.cpuUsage(before);
    this.callerMs += (user + system) / 1000;
    this.serverMs += readProcessorMs(this.#serverPid) - serverMs;
    this.redisMs += readProcessorMs(this.#redisPid) - redisMs;
    this.#jobs += jobs;
  }

  perJob(spentMs: number): number {
    return spentMs / this.#jobs;
  }
}

async function readRedisPid(url: string): Promise<number> {
  const redis = new Redis(url);
  const found = /process_id:(\d+)/.exec(await redis.info('server'));
  redis.disconnect();
  return Number(found?.[1]);
}
