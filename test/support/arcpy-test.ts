import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { vi } from 'vitest';
import type { JobRecord } from '../../src/jobs/job-record.ts';
import { openScenario, type Scenario, testPython } from './arcpy-house.ts';
import { type Gateway, type GatewayOptions, openGateway } from './gateway.ts';
import { test as base } from './publishing-test.ts';

export type ScenarioBooks = Awaited<ReturnType<typeof openScenario>>;

export type ArcpyHouse = { gateway: Gateway; scenario: ScenarioBooks };

export type OpenArcpyHouse = (
  options?: Partial<GatewayOptions> & { first?: Scenario; arcpy?: object },
) => Promise<ArcpyHouse>;

async function openHouses(use: (open: OpenArcpyHouse) => Promise<void>): Promise<void> {
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
}

/** A gateway with a worker whose ArcPy is the stand-in; without Python its tests are skipped. */
export const test = base
  .extend<{ openHouse: OpenArcpyHouse }>({
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
    openHouse: async ({}, use) => openHouses(use),
  })
  .extend<{ shared: ArcpyHouse; house: ArcpyHouse }>({
    shared: [
      // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
      async ({}, use) => openHouses(async (open) => use(await open())),
      { scope: 'file' },
    ],
    /** One house for all tests of a file, each with a scenario of its own: starting one takes a second. */
    house: async ({ shared }, use) => {
      await shared.scenario.play({});
      await use(shared);
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

export type Inputs = Record<string, unknown>;

/** Sends files as parts and the rest as JSON. @returns status and body of the answer */
export async function ask(
  gateway: Gateway,
  process: string,
  inputs: Inputs,
  files: Record<string, string> = {},
) {
  const form = new FormData();
  for (const [name, path] of Object.entries(files)) {
    form.set(name, await openAsBlob(path), basename(path));
  }
  form.set('inputs', JSON.stringify(inputs));
  const response = await fetch(`${gateway.url}/v1/processes/${process}/execution`, {
    method: 'POST',
    body: form,
  });
  const body = (await response.json()) as Record<string, unknown> & { jobID: string };
  return { status: response.status, body };
}

/** The same, to the end of the job. */
export async function run(
  gateway: Gateway,
  process: string,
  inputs: Inputs,
  files: Record<string, string> = {},
): Promise<JobRecord> {
  const { status, body } = await ask(gateway, process, inputs, files);
  if (status !== 201) throw new Error(`Refused: ${JSON.stringify(body)}`);
  return await gateway.ended(body.jobID);
}

/** What is in the definition that a job made. */
export async function readMadeDefinition(gateway: Gateway, record: JobRecord) {
  const path = join(gateway.folder, `${record.jobId}.sd`);
  const response = await fetch(`${gateway.url}/v1/artifacts/${record.jobId}`);
  await writeFile(path, Buffer.from(await response.arrayBuffer()));
  return await gateway.documents.readServiceDefinition(path);
}
