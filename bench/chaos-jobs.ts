import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { buildServiceDefinition } from '../src/documents/service-definition-builder.ts';
import type { ChaosHouse } from './chaos-house.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What was asked for. Without a job id the answer was lost: the job may exist all the same. */
export type Asked = {
  reference: string;
  site: string;
  jobId?: string;
} & (
  | { kind: 'service'; target: string; layer: string }
  | { kind: 'item'; target: string; path: string | undefined }
);

const folders = ['', 'Transport', 'Water'] as const;
const names = ['Roads', 'Bridges', 'Rivers'] as const;
const shares = ['plans', 'photos'] as const;
const patienceMs = 20_000;

/** Asks for something at random: mostly a service, else a data store item that comes, changes or goes. */
export async function askForJob(
  house: ChaosHouse,
  random: SeededRandom,
  { number, isSpread }: { number: number; isSpread: boolean },
): Promise<Asked> {
  const reference = `chaos-${number}`;
  const site = random.pick([...house.sites.keys()]);
  if (!isSpread && random.chance(0.25)) return askForItem(house, random, { reference, site });
  return askForService(house, random, { reference, site, number, isSpread });
}

async function askForService(
  house: ChaosHouse,
  random: SeededRandom,
  {
    reference,
    site,
    number,
    isSpread,
  }: { reference: string; site: string; number: number; isSpread: boolean },
): Promise<Asked> {
  const folder = random.pick(folders);
  const name = random.pick(names);
  const serviceName = isSpread ? `${name}${number % 500}` : name;
  const layer = `Job${number}`;
  const ifExists = random.pick(['replace', 'replace', 'replace', 'skip', 'fail']);
  const path = join(house.folder, `${randomUUID()}.sd`);
  await buildServiceDefinition(path, { serviceName, layers: ['Base', layer] });
  const target = folder ? `${folder}/${serviceName}` : serviceName;
  const form = new FormData();
  const inputs = { site, folder: folder || '/', serviceName, ifExists, reference };
  for (const [input, value] of Object.entries(inputs)) form.set(input, value);
  form.set('serviceDefinition', await openAsBlob(path), 'definition.sd');
  const jobId = await send(house, 'publish-service-definition', { body: form });
  await rm(path, { force: true });
  return { kind: 'service', reference, site, target, layer, ...(jobId && { jobId }) };
}

async function askForItem(
  house: ChaosHouse,
  random: SeededRandom,
  { reference, site }: { reference: string; site: string },
): Promise<Asked> {
  const name = random.pick(shares);
  const target = `/fileShares/${name}`;
  const path = `\\\\files\\${reference}`;
  const what = random.pick(['register', 'register', 'update', 'unregister'] as const);
  const requests = {
    register: ['register-folder', { site, name, path, ifExists: 'update' }],
    update: ['update-data-store', { site, item: target, path }],
    unregister: ['unregister-data-store', { site, items: [target], force: true }],
  } as const;
  const [processId, inputs] = requests[what];
  const jobId = await send(house, processId, {
    body: JSON.stringify({ inputs, reference }),
    headers: { 'content-type': 'application/json' },
  });
  const goal = what === 'unregister' ? undefined : path;
  return { kind: 'item', reference, site, target, path: goal, ...(jobId && { jobId }) };
}

async function send(
  house: ChaosHouse,
  processId: string,
  request: { body: FormData | string; headers?: Record<string, string> },
): Promise<string | undefined> {
  try {
    const response = await fetch(`${house.url}/v1/processes/${processId}/execution`, {
      method: 'POST',
      signal: AbortSignal.timeout(patienceMs),
      ...request,
    });
    const { jobID } = (await response.json()) as { jobID?: string };
    return response.status === 201 ? jobID : undefined;
  } catch {
    return undefined; // the API was away: whether the job exists is seen when the books are balanced
  }
}

export async function dismissLater(house: ChaosHouse, jobId: string, ms: number): Promise<void> {
  await pause(ms);
  const signal = AbortSignal.timeout(patienceMs);
  const job = `${house.url}/v1/jobs/${jobId}`;
  try {
    const { status } = (await (await fetch(job, { signal })).json()) as { status?: string };
    // To delete a job that has ended removes its record, and the books need that.
    if (status === 'accepted' || status === 'running')
      await fetch(job, { method: 'DELETE', signal });
  } catch {
    return; // the API is away: then it is not dismissed
  }
}

/** @throws Error when the API refuses */
export async function postJson(house: ChaosHouse, path: string, body?: object): Promise<unknown> {
  const response = await fetch(house.url + path, {
    method: 'POST',
    signal: AbortSignal.timeout(patienceMs),
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  if (!response.ok) throw new Error(`${path} was answered ${response.status}`);
  return response.json();
}
