import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../src/lib/own-redis.ts';
import { type Figure, openHouse, readMemory, start } from './support.ts';

const chunk = randomBytes(1 << 20);
const chunks = 1_024;
const bareServer = fileURLToPath(new URL('./bare-server.ts', import.meta.url));

/** 1 GiB into the gateway, beside plain Node that hashes and writes a file. */
export async function measureFiles(): Promise<Figure[]> {
  const house = await openHouse();
  const barePort = await findFreePort();
  const bare = await start(
    ['--import', 'tsx', bareServer, 'file', String(barePort), '', join(house.folder, 'bare.bin')],
    {},
    /ready/,
  );
  const theirs = await send(`http://127.0.0.1:${barePort}/`);
  const ours = await send(`${house.url}/v1/uploads?name=large.bin`);
  const { peak } = readMemory(house.http.pid);
  await bare.end();
  await house.close();
  return [
    {
      what: '1 GiB uploaded',
      value: chunks / ours,
      unit: 'MiB/s',
      baseline: chunks / theirs,
      ratio: theirs / ours,
    },
    { what: 'resident memory of http at its peak', value: peak, unit: 'MiB' },
  ];
}

/** @returns seconds until the answer */
function send(url: string): Promise<number> {
  const beganMs = performance.now();
  return new Promise((resolve, reject) => {
    const sending = request(
      url,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': chunk.length * chunks,
        },
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve((performance.now() - beganMs) / 1000));
      },
    );
    sending.on('error', reject);
    let left = chunks;
    const more = () => {
      while (left > 0) {
        left -= 1;
        if (!sending.write(chunk)) return void sending.once('drain', more);
      }
      sending.end();
    };
    more();
  });
}
