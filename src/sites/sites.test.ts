import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test as base, expect } from 'vitest';
import { sharedReader } from '../../test/support/shared-reader.ts';
import type { DefinitionSpec } from '../documents/definition-spec.ts';
import { buildServiceDefinition } from '../documents/service-definition-builder.ts';
import { createLog } from '../lib/log.ts';
import { SiteConfig } from '../lib/site-config.ts';
import { pause } from '../lib/wait.ts';
import type { SimulatedSiteOptions } from '../simulated-site/settings.ts';
import { openSimulatedSite, type SimulatedSite } from '../simulated-site/simulated-site.ts';
import { readPortalItems } from './portal.ts';
import {
  cancelSiteJob,
  findSiteJobsOfItem,
  listOutstandingSiteJobs,
  readSiteJob,
  submitPublishing,
} from './publishing.ts';
import {
  clearRestCache,
  countFeatures,
  exportMap,
  readRestCatalog,
  readServiceRoot,
} from './rest-services.ts';
import {
  createFolder,
  deleteFolder,
  deleteService,
  editService,
  startService,
  stopService,
} from './service-changes.ts';
import { addPermission, editItemInfo, readItemInfo, readPermissions } from './service-extras.ts';
import { restUrl } from './service-target.ts';
import {
  findService,
  findServiceAnywhere,
  readLifecycle,
  readManifest,
  readService,
  readServiceStatus,
  readStatistics,
} from './services.ts';
import type { SiteJob } from './site-job.ts';
import { readLogs } from './site-logs.ts';
import {
  findDataStoreItems,
  isHostingServer,
  readAdminInfo,
  readAllowedUploadExtensions,
  readBlockDataCopy,
  readClockSkewMs,
  readHealth,
  readMachines,
  readPublishingTools,
  readRestInfo,
  readSiteMode,
} from './site-reader.ts';
import { openSites, type Site } from './sites.ts';
import {
  deleteUploadItem,
  findUploadItems,
  listUploadItems,
  readServiceConfiguration,
  uploadFile,
} from './upload-items.ts';

const target = { folder: 'Transport', serviceName: 'Roads', type: 'MapServer' };
const roads: DefinitionSpec = { serviceName: 'Roads', layers: ['Motorways', 'Lanes'] };

type Lent = { site: Site; simulated: SimulatedSite };
type Fixtures = {
  folder: string;
  lend: (options?: Partial<SimulatedSiteOptions>) => Promise<Lent>;
  upload: (site: Site, spec?: DefinitionSpec) => ReturnType<typeof uploadFile>;
};

const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'pressroom-sites-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
  lend: async ({ folder }, use) => {
    const closing: (() => Promise<unknown>)[] = [];
    await use(async (options = {}) => {
      const simulated = await openSimulatedSite({
        folder: join(folder, 'site'),
        reader: sharedReader(),
        publishMs: 20,
        politePollMs: 5,
        ...options,
      });
      const config = SiteConfig.parse({
        url: simulated.url,
        auth: { username: simulated.username, password: { env: 'X' } },
      });
      const sites = openSites(
        { demo: config },
        { resolveSecret: async () => simulated.password, log: createLog({ level: 'silent' }) },
      );
      closing.push(
        () => sites.close(),
        () => simulated.close(),
      );
      return { site: sites.get('demo'), simulated };
    });
    for (const close of closing) await close();
  },
  upload: async ({ folder }, use) => {
    await use(async (site, spec = roads) => {
      const file = join(folder, `${spec.serviceName}.sd`);
      await buildServiceDefinition(file, spec);
      const { size } = await stat(file);
      return uploadFile(site, {
        open: () => createReadStream(file, { highWaterMark: 2 ** 20 }),
        fileName: basename(file),
        sizeBytes: size,
        description: 'pressroom:test',
      });
    });
  },
});

async function untilFinal(site: Site, job: SiteJob): Promise<SiteJob> {
  const deadline = AbortSignal.timeout(20_000);
  let latest = job;
  while (!latest.isFinal) {
    await pause(10, deadline);
    latest = await readSiteJob(site, job, { signal: deadline });
  }
  return latest;
}

async function publish(site: Site, itemId: string): Promise<SiteJob> {
  await createFolder(site, 'Transport');
  const configuration = await readServiceConfiguration(site, itemId);
  const tools = await readPublishingTools(site);
  const serviceConfiguration = { ...configuration, folderName: 'Transport' };
  return untilFinal(site, await submitPublishing(site, tools, { itemId, serviceConfiguration }));
}

test('publishes a definition from the login to the look at the data', async ({ lend, upload }) => {
  const { site, simulated } = await lend();

  const item = await upload(site);
  await expect(findUploadItems(site, 'pressroom:test')).resolves.toEqual([item]);
  const job = await publish(site, item.itemId);

  expect(job).toMatchObject({ isSucceeded: true, status: 'esriJobSucceeded' });
  await expect(
    findService(site, { folder: 'transport', serviceName: 'ROADS', type: 'MapServer' }),
  ).resolves.toEqual(target);
  await expect(findServiceAnywhere(site, target)).resolves.toEqual([target]);
  await expect(readServiceStatus(site, target)).resolves.toEqual({
    configuredState: 'STARTED',
    realTimeState: 'STARTED',
  });
  const root = await readServiceRoot(site, target);
  expect(root.layers.map(({ name }) => name)).toEqual(['Motorways', 'Lanes']);
  expect(await countFeatures(site, target, 0)).toBeGreaterThan(0);
  await expect(exportMap(site, target)).resolves.toMatchObject({
    href: expect.stringMatching(/^http/),
  });
  await expect(readRestCatalog(site, 'Transport')).resolves.toMatchObject({ services: [target] });
  expect(restUrl(site, target)).toBe(`${simulated.url}/rest/services/Transport/Roads/MapServer`);
  await expect(findSiteJobsOfItem(site, item)).resolves.toMatchObject({
    kind: 'found',
    siteJobs: [{ siteJobId: job.siteJobId, isSucceeded: true }],
  });
  await expect(findSiteJobsOfItem(site, 'i-other')).resolves.toEqual({ kind: 'none' });
  await deleteUploadItem(site, item);
  await expect(listUploadItems(site)).resolves.toEqual([]);
  expect(simulated.control.checkLeftovers()).toEqual([]);
  expect(simulated.control.violations()).toEqual([]);
});

test('works on a published service', async ({ lend, upload }) => {
  const { site, simulated } = await lend();
  await publish(site, (await upload(site)).itemId);

  await stopService(site, target);
  await expect(readServiceStatus(site, target)).resolves.toMatchObject({
    realTimeState: 'STOPPED',
  });
  await expect(readServiceRoot(site, target)).rejects.toMatchObject({ siteCode: 500 });
  await startService(site, target);
  const { lastModifiedMs } = await readLifecycle(site, target);
  const json = await readService(site, target);
  await editService(site, target, { ...json, maxInstancesPerNode: 4 });
  await expect(readService(site, target)).resolves.toMatchObject({ maxInstancesPerNode: 4 });
  expect((await readLifecycle(site, target)).lastModifiedMs).toBeGreaterThan(
    lastModifiedMs ?? Number.NaN,
  );
  await expect(readStatistics(site, target)).resolves.toMatchObject({ summary: { max: 4 } });
  await expect(readManifest(site, target)).resolves.toHaveProperty('databases');
  await addPermission(site, target, { principal: 'esriEveryone', isAllowed: false });
  await expect(readPermissions(site, target)).resolves.toContainEqual({
    principal: 'esriEveryone',
    isAllowed: false,
  });
  await editItemInfo(site, target, { ...(await readItemInfo(site, target)), summary: 'Roads' });
  await expect(readItemInfo(site, target)).resolves.toMatchObject({ summary: 'Roads' });
  await clearRestCache(site);
  await expect(deleteFolder(site, 'Transport')).resolves.toMatchObject({ kind: 'not-empty' });
  await deleteService(site, target);
  await deleteService(site, target);
  await expect(findService(site, target)).resolves.toBeUndefined();
  await expect(deleteFolder(site, 'Transport')).resolves.toEqual({ kind: 'deleted' });
  expect(simulated.control.violations()).toEqual([]);
});

test('tells what a site is', async ({ lend }) => {
  const { site, simulated } = await lend();
  simulated.control.addDataItem({
    path: '/enterpriseDatabases/gis',
    type: 'egdb',
    info: { connectionString: 'SERVER=db1;ENCRYPTED_PASSWORD=00022e68aabbccdd' },
  } as never);

  await expect(readRestInfo(site)).resolves.toMatchObject({ version: '10.9.1' });
  await expect(readAdminInfo(site)).resolves.toMatchObject({
    privilege: 'ADMINISTER',
    username: simulated.username,
  });
  await expect(readSiteMode(site)).resolves.toMatchObject({ siteMode: 'EDITABLE' });
  await expect(readHealth(site)).resolves.toEqual({ isHealthy: true });
  expect(await readMachines(site)).not.toEqual([]);
  await expect(readBlockDataCopy(site)).resolves.toBe(false);
  expect(await readAllowedUploadExtensions(site)).toContain('sd');
  expect(Math.abs((await readClockSkewMs(site)) ?? Number.NaN)).toBeLessThan(2_000);
  await expect(isHostingServer(site)).resolves.toBe(false);
  await expect(findDataStoreItems(site, { types: ['egdb'] })).resolves.toMatchObject([
    {
      path: '/enterpriseDatabases/gis',
      info: { connectionString: 'SERVER=db1;ENCRYPTED_PASSWORD=***' },
    },
  ]);
  await expect(readPublishingTools(site)).resolves.toMatchObject({
    name: 'PublishingTools',
    maxInstancesPerNode: 2,
    realTimeState: 'STARTED',
  });
  expect(simulated.control.violations()).toEqual([]);
});

test('brings the log lines of a failed publish', async ({ lend, upload }) => {
  const { site, simulated } = await lend();
  simulated.control.fault({ kind: 'fail-publish' });
  const fromMs = Date.now() - 5_000;

  const job = await publish(site, (await upload(site)).itemId);

  expect(job).toMatchObject({ isFinal: true, isSucceeded: false });
  expect(job.messages).toContainEqual({
    type: 'error',
    text: expect.stringContaining('ERROR 001369'),
  });
  const lines = await readLogs(site, {
    fromMs,
    toMs: Date.now() + 5_000,
    services: ['System/PublishingTools.GPServer'],
    level: 'WARNING',
  });
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'SEVERE', message: expect.stringContaining(job.siteJobId) }),
  );
});

test('finds the site job again whose number was lost', async ({ lend, upload }) => {
  const { site, simulated } = await lend({ publishMs: 10_000 });
  const { itemId } = await upload(site);
  simulated.control.fault({ kind: 'answer-lost', operation: 'submit' });

  await expect(submitPublishing(site, 'PublishingTools', { itemId })).rejects.toMatchObject({
    again: 'look',
  });

  const search = await findSiteJobsOfItem(site, itemId);
  const [job] = search.kind === 'found' ? search.siteJobs : [];
  if (!job) throw new Error(`the search ended with ${search.kind}`);
  await expect(listOutstandingSiteJobs(site)).resolves.toMatchObject([
    { siteJobId: job.siteJobId },
  ]);
  await cancelSiteJob(site, job);
  await expect(untilFinal(site, job)).resolves.toMatchObject({ status: 'esriJobCancelled' });
});

test('says that the list of jobs is refused, and that a job is forgotten', async ({
  lend,
  upload,
}) => {
  const { site, simulated } = await lend();
  const { itemId } = await upload(site);
  simulated.control.fault({ kind: 'refuse-jobs-query' });

  await expect(findSiteJobsOfItem(site, itemId)).resolves.toMatchObject({ kind: 'refused' });
  await expect(
    readSiteJob(site, { siteJobId: 'j00000000000000000000000000000000', tools: 'PublishingTools' }),
  ).resolves.toMatchObject({ isForgotten: true });
});

test('goes on over an ended session, a busy store and a closed site', async ({ lend }) => {
  const { site, simulated } = await lend();
  await readMachines(site);
  simulated.control.expireTokens();
  expect(await readMachines(site)).not.toEqual([]);

  simulated.control.fault({ kind: 'busy-store' });
  await expect(createFolder(site, 'A')).rejects.toMatchObject({ code: 'site_busy' });
  simulated.control.setMode('READ_ONLY');
  await expect(createFolder(site, 'A')).rejects.toMatchObject({ code: 'site_read_only' });
  simulated.control.setMode('EDITABLE');
  simulated.control.fault({ kind: 'upgrading' });
  await expect(createFolder(site, 'A')).rejects.toMatchObject({ code: 'site_upgrading' });
  simulated.control.clearFaults();
  await expect(createFolder(site, 'A')).resolves.toEqual({ kind: 'created', name: 'A' });
});

test('publishes to a federated site and sees the items of its portal', async ({ lend, upload }) => {
  const { site, simulated } = await lend({ federated: true, version: '11.3.0' });

  expect(await publish(site, (await upload(site)).itemId)).toMatchObject({ isSucceeded: true });

  const { portalItems } = (await readService(site, target)).portalProperties as {
    portalItems: { itemID: string }[];
  };
  const ids = portalItems.map(({ itemID }) => itemID);
  expect(ids).not.toEqual([]);
  const [item] = (await readPortalItems(site, ids)) ?? [];
  expect(item).toMatchObject({ kind: 'found', owner: simulated.username });
  expect(simulated.control.violations()).toEqual([]);
});

test('exchanges the token of a portal for a server that wants its own', async ({ lend }) => {
  const { site, simulated } = await lend({ federated: true, version: '11.3.0' });
  simulated.control.fault({ kind: 'portal-token-refused' });

  expect(await readMachines(site)).not.toEqual([]);
  await expect(readAdminInfo(site)).resolves.toMatchObject({ username: simulated.username });
});
