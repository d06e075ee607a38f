import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { openScenario, type Scenario, testPython } from './arcpy-house.ts';
import { type Gateway, type GatewayOptions, openGateway } from './gateway.ts';
import { test as base } from './publishing-test.ts';

export type ScenarioBooks = Awaited<ReturnType<typeof openScenario>>;

export type ArcpyHouse = { gateway: Gateway; scenario: ScenarioBooks };

export type OpenArcpyHouse = (
  options?: Partial<GatewayOptions> & { first?: Scenario; arcpy?: object },
) => Promise<ArcpyHouse>;

/** A gateway with a worker whose ArcPy is the stand-in; without Python its tests are skipped. */
export const test = base
  .extend<{ openHouse: OpenArcpyHouse }>({
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
    openHouse: async ({}, use) => {
      const folder = await mkdtemp(join(tmpdir(), 'arcpy-house-'));
      const gateways: Gateway[] = [];
      await use(async ({ first = {}, arcpy = {}, settings = {}, ...options } = {}) => {
        const scenario = await openScenario(folder, first);
        const gateway = await openGateway({
          sites: {},
          pythonEnv: scenario.env,
          settings: {
            ...settings,
            arcpy: { python: testPython, workFolder: folder, retrySeconds: 0.3, ...arcpy },
          },
          ...options,
        });
        gateways.push(gateway);
        return { gateway, scenario };
      });
      for (const gateway of gateways) await gateway.close();
      await rm(folder, { recursive: true, force: true });
    },
  })
  .skipIf(!testPython);

type Listed = { id: string; state: string; detail?: string; [member: string]: unknown };

export async function listRuntimes(gateway: Gateway): Promise<Listed[]> {
  const response = await fetch(`${gateway.url}/v1/arcpy-runtimes`);
  const body = (await response.json()) as { runtimes: Listed[] };
  return body.runtimes;
}

/** Waits until the one runtime is as it shall be. */
export async function untilRuntimeIs(gateway: Gateway, state: string): Promise<Listed> {
  return await vi.waitUntil(
    async () => (await listRuntimes(gateway)).find((runtime) => runtime.state === state),
    { timeout: 15_000, interval: 50 },
  );
}
