import { isFinal, type JobRecord } from '../jobs/job-record.ts';
import { findRoute, noRuntimeText } from '../jobs/runtime-wish.ts';
import type { HttpDeps } from './http-deps.ts';
import { toTime, type WaitingFor } from './status-info.ts';

type WaitingDeps = Pick<HttpDeps, 'records' | 'siteRecords' | 'runtimes' | 'jobTypes'>;

/** Why a job does not go on, found out at the moment of reading. Nothing for one that works or has ended. */
export async function readWaitingFor(
  record: JobRecord,
  { records, siteRecords, runtimes, jobTypes }: WaitingDeps,
): Promise<WaitingFor | undefined> {
  if (isFinal(record.status)) return undefined;
  const { parked } = record;
  if (parked?.reason === 'service' && parked.lock) {
    const { holder, place } = await records.readPlaceInLine(parked.lock, record.jobId);
    return { reason: 'service', ...(holder && { jobId: holder }), ...(place && { place }) };
  }
  if (parked) {
    return {
      reason: parked.reason,
      ...(parked.untilMs !== undefined && { until: toTime(parked.untilMs) }),
      ...(parked.detail && { detail: parked.detail }),
    };
  }
  if (record.status !== 'accepted') return undefined;
  const runtime = await findRuntimeWait(record, { runtimes, jobTypes });
  if (runtime) return runtime;
  const hold = record.site ? await siteRecords.findHold(record.site) : undefined;
  if (hold) {
    return {
      reason: 'site',
      detail: `Held by ${hold.by}: ${hold.reason}`,
      ...(hold.untilMs !== undefined && { until: toTime(hold.untilMs) }),
    };
  }
  const closed = record.site ? await siteRecords.findClosed(record.site) : undefined;
  if (closed) return { reason: 'site', until: toTime(closed.untilMs), detail: closed.detail };
  const place = await records.readPlaceInQueue(record.queue, record.jobId);
  return { reason: 'slot', ...(place && { place }) };
}

/** Of a job that ArcPy carries out, while no live worker's can. */
async function findRuntimeWait(
  { processID, params }: JobRecord,
  { runtimes, jobTypes }: Pick<WaitingDeps, 'runtimes' | 'jobTypes'>,
): Promise<WaitingFor | undefined> {
  const jobType = jobTypes.find(({ name }) => name === processID);
  if (!jobType?.needs) return undefined;
  const route = findRoute(jobType.needs(params), await runtimes.list());
  return route.isServed ? undefined : { reason: 'runtime', detail: noRuntimeText(route) };
}
