import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Answer, ask, askJson } from './asking.ts';
import type { Gateway } from './gateway.ts';

/** One execution of a process with JSON inputs. */
export function run(
  gateway: Gateway,
  processId: string,
  inputs: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return askJson(gateway, `/v1/processes/${processId}/execution`, { inputs }, headers);
}

/** Runs a job to its end. */
export async function ended(gateway: Gateway, processId: string, inputs: Record<string, unknown>) {
  const { status, body } = await run(gateway, processId, inputs);
  expect(body).toMatchObject({ processID: processId });
  expect(status).toBe(201);
  return gateway.ended(body.jobID);
}

/** The places where something that may not be seen was found: keys of Redis, files, answers. */
export async function findTraces(
  gateway: Gateway,
  canaries: readonly string[],
  jobIds: readonly string[] = [],
): Promise<string[]> {
  const texts: [place: string, text: string][] = [
    ...(await readRedis(gateway)),
    ...(await readStorage(gateway)),
  ];
  for (const jobId of jobIds) {
    for (const path of ['', '/log', '/results']) {
      const { body } = await ask(gateway, `/v1/jobs/${jobId}${path}`);
      texts.push([`answer ${path}`, JSON.stringify(body)]);
    }
  }
  return texts.flatMap(([place, text]) =>
    canaries.flatMap((canary) =>
      [canary, encodeURIComponent(canary), Buffer.from(canary).toString('base64').slice(0, -3)]
        .filter((form) => text.includes(form))
        .map(() => `${canary} in ${place}`),
    ),
  );
}

async function readRedis({ redis, config }: Gateway): Promise<[string, string][]> {
  const keys = await redis.keys(`${config.redis.prefix}:*`);
  return Promise.all(
    keys.map(async (key): Promise<[string, string]> => {
      const dump = await redis.dumpBuffer(key);
      return [key, `${dump?.toString('latin1')} ${await readPlain(redis, key)}`];
    }),
  );
}

/** A dump may be compressed, so the values are read as well. */
async function readPlain(redis: Gateway['redis'], key: string): Promise<string> {
  switch (await redis.type(key)) {
    case 'string':
      return String(await redis.get(key));
    case 'hash':
      return JSON.stringify(await redis.hgetall(key));
    case 'stream':
      return JSON.stringify(await redis.xrange(key, '-', '+'));
    case 'zset':
      return JSON.stringify(await redis.zrange(key, '0', '-1'));
    case 'set':
      return JSON.stringify(await redis.smembers(key));
    case 'list':
      return JSON.stringify(await redis.lrange(key, 0, -1));
    default:
      return '';
  }
}

async function readStorage({ folder }: Gateway): Promise<[string, string][]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    files
      .filter((each) => each.isFile())
      .map(async ({ parentPath, name }): Promise<[string, string]> => {
        const path = join(parentPath, name);
        const content = await readFile(path).catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return ''; // deleted since
          throw error;
        });
        return [path, content.toString('latin1')];
      }),
  );
}
