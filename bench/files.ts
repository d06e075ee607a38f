import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildServiceDefinition } from '../src/documents/service-definition-builder.ts';
import { findFreePort } from '../src/lib/own-redis.ts';
import { type Figure, openHouse, readMemory, start } from './support.ts';

const mebibytes = 1_024;
const bareServer = fileURLToPath(new URL('./bare-server.ts', import.meta.url));

/** 1 GiB into the gateway and on to the site, beside curl into plain Node that hashes and writes a file. */
export async function measureFiles(): Promise<Figure[]> {
  const house = await openHouse({ publishMs: 100, workers: 1 });
  const definition = join(house.folder, 'large.sd');
  const spec = { serviceName: 'Large', layers: ['Roads'] };
  await buildServiceDefinition(definition, { ...spec, paddingBytes: mebibytes * 2 ** 20 });
  const barePort = await findFreePort();
  const bare = await start(
    ['--import', 'tsx', bareServer, 'file', String(barePort), '', join(house.folder, 'bare.bin')],
    {},
    /ready/,
  );
  const theirs = await curl(['-T', definition, `http://127.0.0.1:${barePort}/`]);
  await bare.end();
  await rm(join(house.folder, 'bare.bin'), { force: true });
  const onTheSite = untilOnTheSite(house);
  const form = ['-F', 'site=demo', '-F', `serviceDefinition=@${definition}`];
  const run = `${house.url}/v1/processes/publish-service-definition/execution`;
  const ours = await curl([...form, run]);
  const onward = await onTheSite;
  const [http, worker] = [house.http, ...house.workers].map(({ pid }) => readMemory(pid).peak);
  await house.close();
  const rate = (seconds: number) => mebibytes / seconds;
  const beside = (seconds: number) => ({
    ...{ value: rate(seconds), unit: 'MiB/s' },
    ...{ baseline: rate(theirs.seconds), ratio: theirs.seconds / seconds },
  });
  return [
    { what: '1 GiB in, as a form by curl', ...beside(ours.seconds) },
    { what: '1 GiB on to the site', ...beside(onward) },
    { what: 'resident memory of http at its peak', value: http ?? Number.NaN, unit: 'MiB' },
    { what: 'resident memory of the worker at its peak', value: worker ?? Number.NaN, unit: 'MiB' },
  ];
}

async function curl(args: string[]): Promise<{ seconds: number }> {
  const beganMs = performance.now();
  const { stdout } = await promisify(execFile)('curl', ['-sS', '-w', '\n%{http_code}', ...args]);
  const status = stdout.trim().split('\n').at(-1);
  if (status !== '200' && status !== '201') throw new Error(`curl was answered ${stdout}`);
  return { seconds: (performance.now() - beganMs) / 1000 };
}

/** @returns seconds that the upload to the site takes, from its request to its end */
function untilOnTheSite({ site }: Pick<Awaited<ReturnType<typeof openHouse>>, 'site'>) {
  return new Promise<number>((resolve) => {
    let beganMs = 0;
    const stop = site.control.onRequest(({ operation, phase }) => {
      if (operation !== 'upload') return;
      if (phase === 'before') beganMs = performance.now();
      else {
        stop();
        resolve((performance.now() - beganMs) / 1000);
      }
    });
  });
}
