import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { leastFreeBytes } from '../../src/http/upload-receiver.ts';
import type { Gateway } from '../support/gateway.ts';
import { published, test as quickly, roads } from '../support/quick-publishing.ts';

/** A disk of its own, that a test may fill. */
type Disk = { settings: { storage: { kind: 'folder'; path: string } } } & {
  fill: (leaving?: number) => Promise<void>;
  makeRoom: () => Promise<void>;
  files: (folder: string) => Promise<string[]>;
};

const mebibyte = 1 << 20;

const test = quickly.extend<{ disk: Disk | undefined }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  disk: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'disk-'));
    const size = leastFreeBytes / mebibyte + 16; // http takes nothing in below that
    const run = promisify(execFile);
    const isMounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${size}m`, 'tmpfs', folder])
      .then(() => true)
      .catch(() => false); // only root may, and not in every container
    const ballast = join(folder, 'ballast');
    const readFree = async () => {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    };
    await use(
      isMounted
        ? {
            settings: { storage: { kind: 'folder', path: folder } },
            fill: async (leaving = 0) => {
              for (let free = await readFree(); free > leaving; free = await readFree()) {
                const block = Buffer.alloc(Math.min(8 * mebibyte, free - leaving));
                await writeFile(ballast, block, { flag: 'a' });
              }
            },
            makeRoom: () => rm(ballast),
            files: (name) => readdir(join(folder, name)),
          }
        : undefined,
    );
    if (isMounted) await run('umount', ['-l', folder]);
    await rm(folder, { recursive: true, force: true });
  },
});

const post = (gateway: Gateway, path: string, body: object = {}) =>
  fetch(gateway.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** More than any disk holds, unless nobody reads on. */
function endless(beginning = ''): ReadableStream {
  const block = new Uint8Array(8 * mebibyte);
  return new ReadableStream({
    start: (queue) => queue.enqueue(Buffer.from(beginning)),
    pull: (queue) => queue.enqueue(block),
  });
}

const readJob = async (gateway: Gateway, jobId: string) =>
  (await fetch(`${gateway.url}/v1/jobs/${jobId}`)).json();

test('a job that meets a full disk waits, says why, and goes on when there is room', async ({
  disk,
  quick,
  skip,
}) => {
  if (!disk) return skip('only root may mount a disk');
  const { site, gateway } = await quick({}, disk);
  await published(gateway, await gateway.build());
  const longer = await gateway.build({ layers: ['Roads', 'Bridges', 'Tunnels'] });
  await post(gateway, '/v1/sites/demo/hold', { reason: 'the disk fills meanwhile' });
  const { body } = await gateway.publish(longer, {
    site: 'demo',
    folder: 'Transport',
    ifExists: 'replace',
  });
  await disk.fill();
  await post(gateway, '/v1/sites/demo/release');

  const parked = await gateway.until(body.jobID, (record) => record.parked?.reason === 'storage');

  expect(parked.attempts.at(-1)).toMatchObject({ outcome: 'rested', step: 'check' });
  expect(await readJob(gateway, body.jobID)).toMatchObject({
    status: 'running',
    waitingFor: {
      reason: 'storage',
      until: expect.any(String),
      detail: expect.stringMatching(/disk of the gateway is full.*goes on when there is room/),
    },
  });
  // No site is closed for it.
  expect(await gateway.core.siteRecords.findClosed('demo')).toBeUndefined();
  await disk.makeRoom();
  expect(await gateway.ended(body.jobID)).toMatchObject({
    status: 'successful',
    results: { outcome: 'replaced' },
  });
  expect(site.control.state().services).toMatchObject([roads]);
  expect(site.control.state().services[0]?.layers).toHaveLength(3);
  expect(await disk.files('scratch')).toEqual([]);
});

test('what is put back while the disk is full is put back once there is room', async ({
  disk,
  quick,
  skip,
}) => {
  if (!disk) return skip('only root may mount a disk');
  const { site, gateway } = await quick({}, disk);
  await published(gateway, await gateway.build());
  site.control.fault({ kind: 'fewer-layers', by: 1 });
  const stop = site.control.onRequest(async ({ operation }) => {
    if (operation !== 'poll') return; // the definition is there by now
    stop();
    await disk.fill();
  });
  const { body } = await gateway.publish(await gateway.build({ layers: ['A', 'B', 'C'] }), {
    site: 'demo',
    folder: 'Transport',
    ifExists: 'replace',
  });

  await gateway.until(body.jobID, ({ parked }) => parked?.reason === 'storage');
  await disk.makeRoom();

  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'failed', undo: 'done' });
  expect(site.control.state().services).toMatchObject([roads]);
  expect(site.control.state().services[0]?.layers).toHaveLength(2);
  expect(await disk.files('scratch')).toEqual([]);
});

test('no file is taken in while there is no room, and a caller hears when to come again', async ({
  disk,
  quick,
  skip,
}) => {
  if (!disk) return skip('only root may mount a disk');
  const { gateway } = await quick({}, { ...disk, hasWorker: false });
  const sending = new AbortController();
  const send = (path: string, type: string, body: string | ReadableStream) =>
    fetch(gateway.url + path, {
      ...{ method: 'POST', body, duplex: 'half', signal: sending.signal },
      headers: { 'content-type': type },
    } as RequestInit);
  const upload = (body: string | ReadableStream) =>
    send('/v1/uploads', 'application/octet-stream', body);
  const form = `--x\r\ncontent-disposition: form-data; name="serviceDefinition"; filename="a.sd"\r\n\r\n`;
  const full = {
    status: 503,
    headers: { 'retry-after': '60' },
    body: { code: 'storage_exhausted' },
  };
  const told = async (response: Response) => ({
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.json(),
  });

  expect(await told(await upload(endless()))).toMatchObject(full);
  expect(
    await told(
      await send(
        '/v1/processes/publish-service-definition/execution',
        'multipart/form-data; boundary=x',
        endless(form),
      ),
    ),
  ).toMatchObject(full);
  expect(await disk.files('uploads')).toEqual([]);
  await disk.fill(mebibyte);
  expect(await told(await upload('small'))).toMatchObject(full);
  const { response, body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  expect([response.status, response.headers.get('retry-after'), body.code]).toEqual([
    ...[503, '60', 'storage_exhausted'],
  ]);
  expect(await gateway.core.records.findAlive()).toEqual([]);
  await disk.makeRoom();
  expect((await upload('small')).status).toBe(201);
  sending.abort();
});
