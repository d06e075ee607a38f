import { isFinal, type JobSummary } from '../jobs/job-record.ts';
import { findRoute, noRuntimeText } from '../jobs/runtime-wish.ts';
import type { HttpDeps } from './http-deps.ts';
import { type Outlook, toTime, type WaitingFor } from './status-info.ts';

type Deps = Pick<
  HttpDeps,
  'records' | 'locks' | 'childRows' | 'siteRecords' | 'forecasts' | 'runtimes' | 'jobTypes'
>;

/** So many of the newest children are looked at for one that waits. */
const childrenLookedAt = 20;

/** What is to be said of a job that has not ended, found out at the moment of reading. */
export async function readOutlook(record: JobSummary, deps: Deps): Promise<Outlook> {
  if (isFinal(record.status)) return {};
  const [waitingFor, forecast] = await Promise.all([
    findWaitingFor(record, deps),
    deps.forecasts.findEnd(record),
  ]);
  return {
    ...(waitingFor && { waitingFor }),
    ...(forecast && {
      forecast: { finish: toTime(forecast.finishMs), basedOn: forecast.basedOn },
    }),
  };
}

/** Why a job does not go on. Nothing for one that works. */
async function findWaitingFor(record: JobSummary, deps: Deps): Promise<WaitingFor | undefined> {
  const { parked, children } = record;
  if (parked?.reason === 'service' && parked.lock) return waitForService(record, parked.lock, deps);
  if (parked?.reason === 'parent' && children) {
    const { open, expected } = children;
    const detail = `${open} of ${expected} children have not ended`;
    const why = children.running === 0 && (await findWaitOfChild(record, deps));
    return { reason: 'parent', detail: why ? `${detail}. ${why}` : detail };
  }
  if (parked && !(parked.reason === 'schedule' && Date.now() >= (parked.untilMs ?? 0))) {
    return {
      reason: parked.reason,
      ...(parked.untilMs !== undefined && { until: toTime(parked.untilMs) }),
      ...(parked.detail && { detail: parked.detail }),
    };
  }
  if (record.status !== 'accepted') return undefined;
  return (
    (await waitForRuntime(record, deps)) ??
    (await waitForSite(record, deps)) ??
    waitForSlot(record, deps)
  );
}

/** What keeps the children, where none works and somebody may have to do something about it. */
async function findWaitOfChild(
  { jobId, children }: JobSummary,
  deps: Deps,
): Promise<string | undefined> {
  const from = Math.max(0, (children?.total ?? 0) - childrenLookedAt);
  const rows = await deps.childRows.readWritten(jobId, from, childrenLookedAt);
  const open = rows.find(({ status, jobID }) => status === 'accepted' && jobID);
  const child = open?.jobID && (await deps.records.findSummary(open.jobID));
  if (!child || isFinal(child.status)) return undefined;
  const waitingFor = await findWaitingFor(child, deps);
  return ['site', 'runtime', 'parent', 'storage'].includes(waitingFor?.reason ?? '')
    ? waitingFor?.detail
    : undefined;
}

/** Of a job that ArcPy carries out, while no live worker's can. */
async function waitForRuntime(
  { processID, jobId }: JobSummary,
  { runtimes, jobTypes, records }: Deps,
): Promise<WaitingFor | undefined> {
  const jobType = jobTypes.find(({ name }) => name === processID);
  const record = jobType?.needs && (await records.find(jobId));
  if (!jobType?.needs || !record) return undefined;
  const route = findRoute(jobType.needs(record.params), await runtimes.list());
  return route.isServed ? undefined : { reason: 'runtime', detail: noRuntimeText(route) };
}

async function waitForService(
  record: JobSummary,
  lock: string,
  { records, locks, forecasts }: Deps,
): Promise<WaitingFor> {
  const { holder, place } = await locks.readPlace(lock, record.jobId);
  const held = holder ? await records.findSummary(holder) : undefined;
  const seconds = await forecasts.findSecondsToService(record, held, place ?? 1);
  return {
    reason: 'service',
    ...(holder && { jobId: holder }),
    ...(place && { place }),
    ...(seconds !== undefined && { estimatedSeconds: seconds }),
  };
}

async function waitForSite(
  { site }: JobSummary,
  { siteRecords }: Deps,
): Promise<WaitingFor | undefined> {
  if (!site) return undefined;
  const hold = await siteRecords.findHold(site);
  if (hold) {
    return {
      reason: 'site',
      detail: `Held by ${hold.by}: ${hold.reason}`,
      ...(hold.untilMs !== undefined && { until: toTime(hold.untilMs) }),
    };
  }
  const closed = await siteRecords.findClosed(site);
  return closed && { reason: 'site', until: toTime(closed.untilMs), detail: closed.detail };
}

async function waitForSlot(record: JobSummary, deps: Deps): Promise<WaitingFor> {
  const { records, forecasts } = deps;
  const detail = await tellForeignJobs(record, deps);
  const place = await records.readPlaceInQueue(record.queue, record.jobId);
  const seconds = place && (await forecasts.findSecondsToSlot(record, place));
  return {
    reason: 'slot',
    ...(place && { place }),
    ...(seconds !== undefined && { estimatedSeconds: seconds }),
    ...(detail !== undefined && { detail }),
  };
}

/** As the site was read last. */
async function tellForeignJobs(
  { site }: JobSummary,
  { siteRecords }: Deps,
): Promise<string | undefined> {
  const read = site === undefined ? undefined : await siteRecords.find(site);
  if (!read?.foreignJobs?.length) return undefined;
  const { foreignJobs, slots } = read;
  const named = foreignJobs.slice(0, 5).map((job) => `${job.siteJobId} of ${job.account}`);
  const more =
    foreignJobs.length > named.length ? ` and ${foreignJobs.length - named.length} more` : '';
  return `${foreignJobs.length} publishing jobs of others take up slots of ${site} (${slots} in all): ${named.join(', ')}${more}`;
}
