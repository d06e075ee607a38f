import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test as base } from '../../../test/support/lent-site.ts';
import type { Script } from '../../../test/support/scripted-site.ts';
import { FolderStorage } from '../../storage/folder-storage.ts';
import { digestOfSettings, findSnapshot, saveSnapshot, takeSnapshot } from './snapshot.ts';

const test = base.extend<{ storage: FolderStorage }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  storage: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'snapshot-'));
    await use(new FolderStorage(folder));
    await rm(folder, { recursive: true, force: true });
  },
});

const target = { folder: '', serviceName: 'Roads', type: 'MapServer' };
const { signal } = new AbortController();
const admin = '/arcgis/admin/services';
const service = { serviceName: 'Roads', type: 'MapServer', unknownMember: { a: 1 } };
const refused = () => ({ body: { status: 'error', code: 403, messages: ['You may not.'] } });

const told: Script = {
  [`${admin}/Roads.MapServer`]: () => ({ body: service }),
  [`${admin}/Roads.MapServer/status`]: () => ({
    body: { configuredState: 'STARTED', realTimeState: 'STOPPED' },
  }),
  [`${admin}/Roads.MapServer/iteminfo`]: () => ({ body: { title: 'Roads', unknown: 1 } }),
  [`${admin}/Roads.MapServer/permissions`]: () => ({
    body: { permissions: [{ principal: 'editors', permission: { isAllowed: true } }] },
  }),
};

test('a snapshot holds the whole service, its state and what belongs to it', async ({
  lend,
  storage,
}) => {
  const { site } = await lend({ script: told });
  const snapshot = await takeSnapshot(site, target, signal);
  expect(snapshot).toMatchObject({
    service,
    status: { configuredState: 'STARTED', realTimeState: 'STOPPED' },
    permissions: [{ principal: 'editors', isAllowed: true }],
    itemInfo: { title: 'Roads', unknown: 1 },
  });
  await saveSnapshot(storage, 'j1', snapshot);
  expect(await findSnapshot(storage, 'j1')).toEqual(snapshot);
  expect(await findSnapshot(storage, 'j2')).toBeUndefined();
});

test('what the account may not see is left out; the rest is kept', async ({ lend }) => {
  const hidden = {
    [`${admin}/Roads.MapServer/iteminfo`]: refused,
    [`${admin}/Roads.MapServer/permissions`]: refused,
  };
  const { site } = await lend({ script: { ...told, ...hidden } });
  const snapshot = await takeSnapshot(site, target, signal);
  expect(snapshot).toMatchObject({ service });
  expect(snapshot).not.toHaveProperty('permissions');
  expect(snapshot).not.toHaveProperty('itemInfo');
});

test('a site that breaks off in the middle gives no snapshot', async ({ lend }) => {
  const { site } = await lend({
    script: { ...told, [`${admin}/Roads.MapServer/permissions`]: () => 'cut' },
  });
  await expect(takeSnapshot(site, target, signal)).rejects.toMatchObject({ again: 'now' });
});

test('equal settings have one digest, in whatever order they are told and whatever the state', () => {
  const one = {
    a: 1,
    configuredState: 'STARTED',
    list: [1, 2],
    deep: { x: null, y: [{ p: 1, q: 2 }] },
  };
  const same = {
    deep: { y: [{ q: 2, p: 1 }], x: null },
    list: [1, 2],
    configuredState: 'STOPPED',
    a: 1,
  };
  expect(digestOfSettings(one)).toBe(digestOfSettings(same));
  expect(digestOfSettings(one)).toMatch(/^[0-9a-f]{16}$/);
  for (const other of [
    { ...one, a: 2 },
    { ...one, list: [2, 1] },
    { ...one, more: 1 },
  ])
    expect(digestOfSettings(other)).not.toBe(digestOfSettings(one));
});
