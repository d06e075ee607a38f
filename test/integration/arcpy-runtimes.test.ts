import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, vi } from 'vitest';
import { stringify } from 'yaml';
import { checkArcpy } from '../../src/bin/check-arcpy.ts';
import { testPython } from '../support/arcpy-house.ts';
import { listRuntimes, test, untilRuntimeIs } from '../support/arcpy-test.ts';
import { startPressroom } from '../support/run-pressroom.ts';

test('shows the ArcPy of a live worker, compared with the sites, and its tools', async ({
  openSite,
  openHouse,
}) => {
  const site = await openSite();
  const { url, username, password } = site;
  const { gateway } = await openHouse({
    sites: { demo: { url, username, password } },
    arcpy: {
      tools: [
        'analysis.Buffer',
        'analysis.Nothing',
        { toolbox: '/tools/clean.atbx', alias: 'clean', tools: ['CleanRoads'] },
      ],
    },
  });

  const runtime = await untilRuntimeIs(gateway, 'idle');

  expect(runtime).toMatchObject({
    pool: 'default',
    product: 'server',
    version: '11.5',
    license: 'ArcServer',
    foundBy: 'arcpy.python',
    extensions: { Spatial: 'Available' },
    conflicts: [expect.stringContaining('PYTHONPATH')],
  });
  const compared = await vi.waitUntil(async () => {
    const [listed] = await listRuntimes(gateway); // the site is looked at meanwhile
    const sites = (listed?.sites ?? []) as unknown[];
    return sites.length > 0 && sites;
  }, 15_000);
  expect(compared).toEqual([
    { site: 'demo', version: '10.9.1', mismatch: expect.stringContaining('ENTERPRISE_10x') },
  ]);
  const tools = await (await fetch(`${gateway.url}/v1/arcpy-runtimes/${runtime.id}/tools`)).json();
  expect(tools).toMatchObject({
    tools: [
      {
        name: 'analysis.Buffer',
        isDescribed: true,
        parameters: [
          { name: 'in_features', isRequired: false },
          { name: 'out_features', isRequired: false },
          { name: 'distance', isRequired: false },
        ],
      },
      { name: 'clean.CleanRoads', isDescribed: false, parameters: [] },
    ],
  });
  const missing = await fetch(`${gateway.url}/v1/arcpy-runtimes/nobody`);
  expect(missing.status).toBe(404);
});

test('an ArcPy that does not start is shown with the reason, and used once it does', async ({
  openHouse,
}) => {
  const { gateway, scenario } = await openHouse({ first: { productInfo: 'NotInitialized' } });

  const broken = await untilRuntimeIs(gateway, 'unusable');
  expect(broken.detail).toContain('not licensed for this account');
  await scenario.play({});
  expect(await untilRuntimeIs(gateway, 'idle')).not.toHaveProperty('detail');
});

test('a worker that ends takes its runtime with it', async ({ openHouse }) => {
  const { gateway } = await openHouse({ hasWorker: false });
  expect(await listRuntimes(gateway)).toEqual([]);
  const worker = await gateway.openWorker();
  await untilRuntimeIs(gateway, 'idle');
  await worker.close();
  expect(await listRuntimes(gateway)).toEqual([]);
});

test('the doctor says what ArcPy is there, and what stands against it on a site', async ({
  openHouse,
  openSite,
}) => {
  const { url, username, password } = await openSite({ version: '11.3' });
  const { gateway, scenario } = await openHouse({ hasWorker: false });
  const file = join(gateway.folder, 'doctor.yaml');
  const demo = { url, auth: { username, password: { env: 'DEMO_SITE' } } };
  const settings = {
    ...{ redis: { url: inject('redisUrl') }, arcpy: { python: testPython } },
    sites: { demo, away: { ...demo, url: 'http://127.0.0.1:9/arcgis' } },
  };
  await writeFile(file, stringify(settings));
  const env = {
    ...scenario.env,
    ...{ PRESSROOM_CONFIG: file, DEMO_SITE: password },
  } as Record<string, string>;

  const { stdout } = await startPressroom(['doctor'], { env, cwd: gateway.folder }).ended;

  expect(stdout).toMatch(/ok {4}arcpy: product: Server 11\.5, licence ArcServer/);
  expect(stdout).toMatch(/warn {2}arcpy: environment: PYTHONPATH is set/);
  expect(stdout).toMatch(/warn {2}arcpy: site demo: .*11\.5 is newer than the site \(11\.3\)/);
  expect(stdout).not.toContain('arcpy: site away');
});

test('the doctor says why an ArcPy does not start, and that none is no fault', async ({
  openHouse,
}) => {
  const first = { productInfo: 'NotInitialized' };
  const { gateway, scenario } = await openHouse({ hasWorker: false, first });
  const { signal } = new AbortController();

  expect(await checkArcpy(gateway.config, scenario.env, signal)).toEqual([
    expect.objectContaining({ level: 'fail', detail: expect.stringContaining('not licensed') }),
  ]);
  const { python: _, ...arcpy } = gateway.config.arcpy;
  expect(await checkArcpy({ ...gateway.config, arcpy }, {}, signal)).toEqual([
    expect.objectContaining({ level: 'ok', detail: expect.stringContaining('None') }),
  ]);
});
