import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from '../support/asking.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';

const account = { username: 'publisher', password: 'unused' };

let silent: Server;
let gateway: Gateway;

beforeAll(async () => {
  silent = createServer(() => {}); // takes every request and never answers
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  gateway = await openGateway({
    sites: {
      away: { url: 'http://127.0.0.1:9', ...account },
      silent: { url: `http://127.0.0.1:${port}`, ...account, timeoutSeconds: 12 },
    },
    hasWorker: false,
  });
});
afterAll(async () => {
  await gateway.close();
  silent.closeAllConnections();
  silent.close();
});

test('tells what was seen of a site, and how long ago', async () => {
  const unseen = await ask(gateway, '/v1/sites/away');
  expect(unseen.body).toMatchObject({
    name: 'away',
    jobTypes: expect.arrayContaining(['publish-service-definition', 'register-folder']),
  });
  expect(unseen.body).not.toHaveProperty('ageSeconds');

  const { siteRecords } = gateway.core;
  await siteRecords.save('away', {
    readAt: new Date(Date.now() - 5_000).toISOString(),
    health: 'read-only',
    slots: 2,
    version: '11.3',
    privilege: 'ACCESS',
    dataStoreItems: [{ path: '/fileShares/roads', type: 'folder' }],
  });
  await siteRecords.close('away', {
    reason: 'site_read_only',
    detail: 'The site is read-only.',
    untilMs: Date.now() + 60_000,
  });
  const { body } = await ask(gateway, '/v1/sites/away');
  expect(body).toMatchObject({
    health: 'read-only',
    version: '11.3',
    slots: 2,
    ageSeconds: 5,
    closed: { reason: 'site_read_only' },
    jobTypes: [],
  });
  expect(body).not.toHaveProperty('dataStoreItems');
  const { body: list } = await ask(gateway, '/v1/sites');
  expect((list.sites as { name: string }[]).map(({ name }) => name)).toEqual(['away', 'silent']);
});

test.each(['services', 'data-store-items'])(
  'says that a site cannot be reached when asked for its %s',
  async (what) => {
    const { status, body } = await ask(gateway, `/v1/sites/away/${what}`);
    expect([status, body.code]).toEqual([503, 'site_unreachable']);
    expect(JSON.stringify(body)).not.toContain('unused');
  },
);

test('gives a silent site ten seconds', async () => {
  const began = performance.now();
  const { status, body } = await ask(gateway, '/v1/sites/silent/services');
  expect([status, body.code]).toEqual([504, 'site_timeout']);
  expect(performance.now() - began).toBeLessThan(12_000);
});
