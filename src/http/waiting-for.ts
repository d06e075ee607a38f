import { isFinal, type JobRecord } from '../jobs/job-record.ts';
import type { HttpDeps } from './http-deps.ts';
import { toTime, type WaitingFor } from './status-info.ts';

/** Why a job does not go on, found out at the moment of reading. Nothing for one that works or has ended. */
export async function readWaitingFor(
  record: JobRecord,
  { records, siteRecords }: Pick<HttpDeps, 'records' | 'siteRecords'>,
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
