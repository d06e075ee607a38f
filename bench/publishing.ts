import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { buildServiceDefinition } from '../src/documents/service-definition-builder.ts';
import { type Figure, median, openHouse } from './support.ts';

const publishMs = 1_000;

/** From the request to the end of the job, beside the time that the site itself takes. */
export async function measurePublishing(): Promise<Figure[]> {
  const house = await openHouse({ publishMs, workers: 1 });
  const definition = join(house.folder, 'roads.sd');
  await buildServiceDefinition(definition, { serviceName: 'Roads', layers: ['Roads', 'Bridges'] });
  const seconds: number[] = [];
  for (let run = 0; run < 8; run += 1) {
    const form = new FormData();
    form.set('site', 'demo');
    form.set('serviceName', `Roads${run}`);
    form.set('serviceDefinition', await openAsBlob(definition), 'roads.sd');
    const beganMs = performance.now();
    const response = await fetch(`${house.url}/v1/processes/publish-service-definition/execution`, {
      method: 'POST',
      body: form,
      headers: { prefer: 'wait=60' },
    });
    const job = (await response.json()) as { status: string };
    if (job.status !== 'successful') throw new Error(JSON.stringify(job));
    if (run > 0) seconds.push((performance.now() - beganMs) / 1000);
  }
  await house.close();
  const value = median(seconds);
  return [
    {
      what: 'a publish, from request to end',
      value,
      unit: 's',
      baseline: publishMs / 1000,
      ratio: value / (publishMs / 1000),
    },
  ];
}
