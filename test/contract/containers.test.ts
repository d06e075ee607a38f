import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseConfig } from '../../src/lib/read-config.ts';

// No container engine runs where these tests run, so this reads what an engine would be told.

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFile(join(root, file), 'utf8');

const Compose = z.object({
  services: z.record(
    z.string(),
    z.looseObject({
      command: z.array(z.string()),
      image: z.string(),
      ports: z.array(z.string()).default([]),
      volumes: z.array(z.string()).default([]),
      environment: z.record(z.string(), z.string()).default({}),
      deploy: z.object({ replicas: z.int() }).optional(),
      healthcheck: z.object({ test: z.array(z.string()) }).optional(),
      depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
      build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()),
});

async function readCompose() {
  const { services, volumes } = Compose.parse(
    parse(await read('docker-compose.yml'), { merge: true }),
  );
  const service = (name: string) => {
    const found = services[name];
    if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
    return found;
  };
  return { services, volumes, service };
}

async function readDockerfile() {
  const text = (await read('docker/Dockerfile')).replace(/^#.*\n/gm, '');
  const instructions = [...text.matchAll(/^([A-Z]+) (.+)$/gm)].map(([, name, rest]) => ({
    name: name ?? '',
    rest: rest ?? '',
  }));
  const last = (name: string) => instructions.findLast((one) => one.name === name)?.rest;
  return { instructions, last };
}

async function readSample() {
  return parseConfig(parse(await read('docker/pressroom.yaml')), { baseFolder: '/etc/pressroom' });
}

test('Redis keeps what was accepted', async () => {
  const { service, volumes } = await readCompose();
  const redis = service('redis');
  const command = redis.command.join(' ');

  expect(command).toContain('--appendonly yes');
  expect(command).toContain('--maxmemory-policy noeviction');
  expect(redis.volumes).toContain('redis:/data');
  expect(redis.healthcheck?.test).toContain('ping');
  expect(volumes).toHaveProperty('redis');
});

test('http and two workers share the storage and wait for Redis', async () => {
  const { service } = await readCompose();

  expect(service('worker').deploy?.replicas).toBe(2);
  for (const name of ['http', 'worker']) {
    expect(service(name).command).toEqual([name]);
    expect(service(name).volumes).toContain('storage:/data');
    expect(service(name).depends_on).toHaveProperty('redis', { condition: 'service_healthy' });
  }
});

test('every port is open on this machine only', async () => {
  const { services } = await readCompose();
  const ports = Object.values(services).flatMap((service) => service.ports);

  expect(ports.length).toBeGreaterThan(0);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
});

test('the sample configuration is valid and says what its containers can do', async () => {
  const { service } = await readCompose();
  const config = await readSample();
  const { demo } = config.sites;
  const simulated = service('simulated-site').command;

  expect(config.redis.url).toBe('redis://redis:6379');
  expect(config.storage.path).toBe('/data');
  expect(service('http').ports).toContain(`127.0.0.1:8080:${config.http.port}`);
  expect(demo?.auth.password).toEqual({ env: 'DEMO_SITE_PASSWORD' });
  expect(service('worker').environment).toHaveProperty('DEMO_SITE_PASSWORD');
  expect(simulated).toContain(`--password=${service('worker').environment.DEMO_SITE_PASSWORD}`);
  expect(simulated).toContain(`--username=${demo?.auth.username}`);
  expect(simulated).toContain(`--port=${new URL(demo?.url ?? '').port}`);
});

test('the key of the sample is the one that its comment names', async () => {
  const text = await read('docker/pressroom.yaml');
  const key = /The sample's key is: (\S+)/.exec(text)?.[1] ?? '';
  const [sample] = (await readSample()).apiKeys;

  expect(createHash('sha256').update(key).digest('hex')).toBe(sample?.sha256);
  expect(text).toContain('FOR TRYING OUT ONLY');
});

test('the image runs as nobody special, from what exists', async () => {
  const { instructions, last } = await readDockerfile();
  const copied = instructions
    .filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from'))
    .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
  const ignored = (await read('.dockerignore')).split('\n');

  expect(last('USER')).toBe('node');
  expect(last('ENTRYPOINT')).toBe('["node", "dist/bin/pressroom.js"]');
  expect(last('CMD')).toBe('["http"]');
  expect(copied.length).toBeGreaterThan(5);
  for (const path of copied) {
    expect(existsSync(join(root, path)), path).toBe(true);
    expect(ignored).toContain(`!${path}`);
  }
});

test('the health check believes the status address, with nothing but Node', async () => {
  const { last } = await readDockerfile();
  const [, command = ''] = /CMD (\[.+\])$/.exec(last('HEALTHCHECK') ?? '') ?? [];
  const [file, ...args] = z.array(z.string()).parse(JSON.parse(command));
  const check = async (status: number) => {
    const server = createServer((_, reply) => reply.writeHead(status).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const env = { ...process.env, PRESSROOM_HEALTH_URL: `http://127.0.0.1:${port}/health/live` };
    try {
      return await promisify(execFile)(process.execPath, args, { env, timeout: 20_000 });
    } finally {
      server.close();
    }
  };

  expect(file).toBe('node');
  await expect(check(200)).resolves.toMatchObject({ stderr: '' });
  await expect(check(503)).rejects.toMatchObject({ code: 1 });
});
