import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { buildServiceDefinition } from '../src/documents/service-definition-builder.ts';
import { type Figure, median, openHouse } from './support.ts';

const publishMs = 1_000;
/** The site and we warm up, and the first site jobs tell when to look at those that follow. */
const forWarmth = 3;

/** From the request to the end of the job, beside the time that the site itself takes. */
export async function measurePublishing(): Promise<Figure[]> {
  const house = await openHouse({ publishMs, workers: 1 });
  const definition = join(house.folder, 'roads.sd');
  await buildServiceDefinition(definition, { serviceName: 'Roads', layers: ['Roads', 'Bridges'] });
  const seconds: number[] = [];
  const ofSite: number[] = [];
  for (let run = 0; run < 15; run += 1) {
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
    const job = (await response.json()) as { status: string; jobID: string };
    if (job.status !== 'successful') throw new Error(JSON.stringify(job));
    const tookMs = performance.now() - beganMs;
    if (run < forWarmth) continue;
    seconds.push(tookMs / 1000);
    ofSite.push(await readSiteSeconds(`${house.url}/v1/jobs/${job.jobID}/results`));
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
    {
      what: 'the same, beside what the site jobs took by the clock of the site',
      value,
      unit: 's',
      baseline: median(ofSite),
      ratio: value / median(ofSite),
    },
  ];
}

/** A site on a busy machine takes longer than it was told to. */
async function readSiteSeconds(url: string): Promise<number> {
  const results = (await (await fetch(url)).json()) as { siteMessages: string[] };
  return Number(/Elapsed Time: ([\d.]+) seconds/.exec(results.siteMessages.join('\n'))?.[1]);
}
