import { writeFile } from 'node:fs/promises';
import { setInterval as every } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { drawCurves } from './curves.ts';
import { measureAlone, publishRelease, uploadDefinitions, waitForSites } from './release.ts';
import { type Figure, openHouse, readProcessorMs } from './support.ts';

const picture = fileURLToPath(new URL('../docs/publish-folder.svg', import.meta.url));
const publishMs = 1_000;
const slotCounts = [1, 2, 4, 8];
const siteCounts = [1, 2, 4];
/** So many publishes one after the other in each slot: what happens once at the ends weighs less. */
const rounds = 4;

/** Definitions a minute against slots and sites, beside what the time of one publish alone allows. */
export async function measureFolder(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const reached = new Map(siteCounts.map((sites) => [sites, [] as number[]]));
  const bounds = new Map(siteCounts.map((sites) => [sites, [] as number[]]));
  let oneByOne = Number.NaN;
  for (const slots of slotCounts) {
    const house = await openHouse({ publishMs, workers: 2, slots, sites: Math.max(...siteCounts) });
    const links = await uploadDefinitions(house, rounds * slots);
    await waitForSites(house);
    const alone = await measureAlone(house, links[0] ?? '', 6);
    if (slots === slotCounts[0]) oneByOne = 60_000 / alone.meanMs;
    for (const sites of siteCounts) {
      const siteNames = [...house.sites.keys()].slice(0, sites);
      const release = await publishRelease(house, links, { folder: `On${sites}`, siteNames });
      if (release.faults.length > 0) throw new Error(release.faults.join('\n'));
      const boundMs = Math.ceil(release.publishes / (sites * slots)) * alone.medianMs;
      const perMinute = (ms: number) => (release.publishes / ms) * 60_000;
      reached.get(sites)?.push(perMinute(release.ms));
      bounds.get(sites)?.push(perMinute(boundMs));
      figures.push({
        what: `${sites} sites, ${slots} slots: ${release.publishes} publishes, beside the bound`,
        value: perMinute(release.ms),
        unit: '/min',
        baseline: perMinute(boundMs),
        ratio: release.ms / boundMs,
      });
    }
    await house.close();
  }
  const curves = siteCounts.flatMap((sites) => [
    { name: `${sites} ${sites === 1 ? 'site' : 'sites'}`, ys: reached.get(sites) ?? [] },
    { name: `${sites}: bound`, ys: bounds.get(sites) ?? [], isDashed: true },
  ]);
  const axes = { x: 'slots of each site', y: 'definitions published a minute' };
  const all = [...curves, { name: 'one by one', ys: slotCounts.map(() => oneByOne) }];
  await writeFile(picture, drawCurves(slotCounts, all, axes));
  return [{ what: 'one after the other, on one site', value: oneByOne, unit: '/min' }, ...figures];
}

const release = { definitions: 200, sites: 4, slots: 2 };
const killEveryMs = 10_000;
const allowedMsPerKill = 20_000;

/** Many definitions on four sites at two slots, beside the bound; the faults that were found are thrown. */
export async function measureRelease(): Promise<Figure[]> {
  const { house, links, siteNames, boundMs } = await prepareRelease(release.definitions);
  const pids = [house.http.pid, ...house.workers.map(({ pid }) => pid), house.redis.pid ?? 0];
  const readAll = () => pids.reduce((sum, pid) => sum + readProcessorMs(pid), 0);
  const usedBeforeMs = readAll();
  const went = await publishRelease(house, links, { folder: 'Release', siteNames });
  const usedMs = readAll() - usedBeforeMs;
  await house.close();
  if (went.faults.length > 0) throw new Error(went.faults.join('\n'));
  const inSlotsMs = (went.meanChildMs * went.publishes) / (release.sites * release.slots);
  const what = `${links.length} definitions on 4 sites at 2 slots`;
  return [
    toFigure(`${what}, beside the bound`, went.ms, boundMs),
    toFigure('the same, beside the time in which slots are taken', went.ms, inSlotsMs),
    { what: 'processor time of each publish, ours', value: usedMs / went.publishes, unit: 'ms' },
  ];
}

/** The same, while a worker is killed every ten seconds and another one takes its place. */
export async function measureKilledRelease(): Promise<Figure[]> {
  const { house, links, siteNames, boundMs } = await prepareRelease(release.definitions);
  let kills = 0;
  const over = new AbortController();
  const killing = (async () => {
    for await (const _ of every(killEveryMs, undefined, { signal: over.signal })) {
      await house.replaceWorker();
      kills += 1;
    }
  })().catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  const went = await publishRelease(house, links, { folder: 'Killed', siteNames });
  over.abort();
  await killing;
  await house.close();
  if (went.faults.length > 0) throw new Error(went.faults.join('\n'));
  const what = `${links.length} definitions, ${kills} workers killed`;
  return [
    toFigure(`${what}, beside the bound`, went.ms, boundMs),
    toFigure(`${what}, beside what is allowed`, went.ms, boundMs + kills * allowedMsPerKill),
  ];
}

async function prepareRelease(definitions: number) {
  const { slots, sites } = release;
  const house = await openHouse({ publishMs, workers: 2, slots, sites });
  const links = await uploadDefinitions(house, definitions);
  await waitForSites(house);
  const { medianMs } = await measureAlone(house, links[0] ?? '', 10);
  const siteNames = [...house.sites.keys()];
  const rounds = Math.ceil((links.length * siteNames.length) / (sites * slots));
  return { house, links, siteNames, boundMs: rounds * medianMs };
}

function toFigure(what: string, ms: number, baselineMs: number): Figure {
  return { what, value: ms / 1000, unit: 's', baseline: baselineMs / 1000, ratio: ms / baselineMs };
}
