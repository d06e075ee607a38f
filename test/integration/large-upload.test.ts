import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { findFreePort } from '../../src/lib/own-redis.ts';
import { startPressroom } from '../support/pressroom-process.ts';
import { test } from '../support/publishing-test.ts';

const chunk = randomBytes(1 << 20);
const chunks = 400;

/** Peak of resident memory of a process, in MiB, as Linux tells it. */
async function readPeakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

test.skipIf(process.platform !== 'linux')(
  'memory does not grow with an upload (skipped where /proc is missing)',
  async ({ openSite, open }) => {
    const site = await openSite();
    const gateway = await open(site, { hasWorker: false });
    const port = await findFreePort();
    const file = join(gateway.folder, 'http.yaml');
    const { redis, storage, sites } = gateway.config;
    await writeFile(file, stringify({ redis, storage, sites, http: { port } }));
    const http = await startPressroom('http', { PRESSROOM_CONFIG: file, ...gateway.passwords });
    const before = await readPeakMemory(http.pid);

    const answer = await new Promise<string>((resolve, reject) => {
      const sending = request(
        {
          port,
          host: '127.0.0.1',
          path: '/v1/uploads?name=large.bin',
          method: 'POST',
          headers: {
            'content-type': 'application/octet-stream',
            'content-length': chunk.length * chunks,
          },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => {
            text += part;
          });
          response.on('end', () => resolve(text));
        },
      );
      sending.on('error', reject);
      let left = chunks;
      const send = () => {
        while (left > 0) {
          left -= 1;
          if (!sending.write(chunk)) return void sending.once('drain', send);
        }
        sending.end();
      };
      send();
    });
    const grown = (await readPeakMemory(http.pid)) - before;
    http.signal('SIGTERM');

    const hash = createHash('sha256');
    for (let at = 0; at < chunks; at += 1) hash.update(chunk);
    expect(JSON.parse(answer)).toMatchObject({
      sizeBytes: chunk.length * chunks,
      sha256: hash.digest('hex'),
    });
    expect(grown).toBeLessThan(150);
    expect((await http.ended).code).toBe(0);
  },
);
