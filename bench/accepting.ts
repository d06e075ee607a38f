import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { buildServiceDefinition } from '../src/documents/service-definition-builder.ts';
import { findFreePort } from '../src/lib/own-redis.ts';
import { type Figure, measureRate, median, openHouse, start } from './support.ts';

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
  const rates: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let run = 0; run < 5; run += 1) {
    rates.theirs.push(await measureRate(count, atOnce, theirs));
    rates.ours.push(await measureRate(count, atOnce, ours));
  }
  await bare.end();
  await house.close();
  const value = median(rates.ours);
  const baseline = median(rates.theirs);
  return [{ what: 'executions accepted', value, unit: '/s', baseline, ratio: value / baseline }];
}
