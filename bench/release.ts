import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { buildServiceDefinition } from '../src/documents/service-definition-builder.ts';
import { measureRate, median, type openHouse } from './support.ts';

type House = Awaited<ReturnType<typeof openHouse>>;

/** One request for many definitions on several sites, and how it went. */
export type Release = {
  publishes: number;
  /** From the request to the end of the job. */
  ms: number;
  /** Of one child, from its beginning to its end: so long it holds its slot. */
  meanChildMs: number;
  faults: string[];
};

const atOnce = 4;

/** @returns links to so many uploaded definitions, no two alike */
export async function uploadDefinitions(house: House, count: number): Promise<string[]> {
  const links: string[] = [];
  await measureRate(count, atOnce, async (index) => {
    const file = join(house.folder, `service${index}.sd`);
    await buildServiceDefinition(file, { serviceName: `Service${index}`, layers: ['Roads'] });
    const form = new FormData();
    form.set('file', await openAsBlob(file), `service${index}.sd`);
    const response = await fetch(`${house.url}/v1/uploads`, { method: 'POST', body: form });
    const { id } = (await response.json()) as { id: string };
    links[index] = `/v1/uploads/${id}`;
  });
  return links;
}

/** Until the workers have looked at each site, one job at a time is all that they let through. */
export async function waitForSites({ url, sites }: House): Promise<void> {
  for (const name of sites.keys()) {
    for (;;) {
      const site = (await (await fetch(`${url}/v1/sites/${name}`)).json()) as { health?: string };
      if (site.health === 'up') break;
      await pause(100);
    }
  }
}

/** @returns the median time of a publish that has the house to itself, from the request to the end */
export async function measureAlone(house: House, link: string, times: number) {
  const took: number[] = [];
  for (let run = 0; run < times; run += 1) {
    const { ms } = await execute(house, 'publish-service-definition', {
      site: 'demo',
      serviceName: `Alone${run}`,
      serviceDefinition: { href: link },
    });
    took.push(ms);
  }
  // The first pays for what is read and logged in to once.
  const counted = took.slice(1);
  return { medianMs: median(counted), meanMs: mean(counted) };
}

/** @param folder of the site that the services go to, of its own for each release: so nothing is unchanged */
export async function publishRelease(
  house: House,
  links: string[],
  { folder, siteNames }: { folder: string; siteNames: string[] },
): Promise<Release> {
  const { job, ms } = await execute(house, 'publish-folder', {
    sites: siteNames,
    folder,
    source: links.map((href) => ({ href })),
  });
  const publishes = links.length * siteNames.length;
  const faults = siteNames.flatMap((name) => findFaults(house, name, { folder, links }));
  if (job.status !== 'successful') faults.push(JSON.stringify(job));
  const children = await readChildren(house, job.jobID);
  const lasted = children.map(
    ({ started, finished }) => Date.parse(finished) - Date.parse(started),
  );
  return { publishes, ms, meanChildMs: mean(lasted), faults };
}

async function readChildren({ url }: House, jobId: string): Promise<StatusInfo[]> {
  const found: StatusInfo[] = [];
  let next: string | undefined = `${url}/v1/jobs?parent=${jobId}&limit=100`;
  while (next !== undefined) {
    const page = (await (await fetch(next)).json()) as Page;
    found.push(...page.jobs);
    next = page.links.find(({ rel }) => rel === 'next')?.href;
  }
  return found;
}

/** Every service is there once and works, was published once, and nothing else is left of it. */
function findFaults(
  { sites }: House,
  siteName: string,
  { folder, links }: { folder: string; links: string[] },
): string[] {
  const control = sites.get(siteName)?.control;
  if (!control) return [`${siteName} is no site`];
  const { services, siteJobs } = control.state();
  const ours = services.filter((service) => service.folder === folder);
  const faults = links.flatMap((_, index) => {
    const found = ours.filter(({ name }) => name === `Service${index}`);
    const isWell = found.length === 1 && found[0]?.realTimeState === 'STARTED';
    const again = found[0]?.generation ?? 1;
    if (!isWell) return [`Service${index}: there ${found.length} times, or not started`];
    return again > 1 ? [`Service${index}: published ${again} times`] : [];
  });
  if (ours.length !== links.length) faults.push(`${ours.length} services for ${links.length}`);
  faults.push(
    ...siteJobs.filter(({ isFinal }) => !isFinal).map(({ jobId }) => `${jobId} runs still`),
  );
  control.checkLeftovers();
  faults.push(...control.violations().map(({ rule, detail }) => `${rule}: ${detail}`));
  return faults.map((fault) => `${siteName}: ${fault}`);
}

type Page = { jobs: StatusInfo[]; links: { rel: string; href: string }[] };
type StatusInfo = { jobID: string; status: string; started: string; finished: string };

async function execute(house: House, process: string, inputs: object) {
  const beganMs = performance.now();
  const asked = await fetch(`${house.url}/v1/processes/${process}/execution`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
    headers: { 'content-type': 'application/json', prefer: 'wait=60' },
  });
  let job = (await asked.json()) as StatusInfo;
  if (job.jobID === undefined) throw new Error(JSON.stringify(job));
  while (job.status === 'accepted' || job.status === 'running') {
    const wait = { headers: { prefer: 'wait=60' } };
    job = (await (await fetch(`${house.url}/v1/jobs/${job.jobID}`, wait)).json()) as StatusInfo;
  }
  return { job, ms: performance.now() - beganMs };
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
