import type { JobRecord } from '../jobs/job-record.ts';
import type { Metrics } from '../lib/metrics.ts';

type Kind = Pick<JobRecord, 'processID' | 'site'>;

function toKind({ processID, site = '' }: Kind): { processID: string; site: string } {
  return { processID, site };
}

/** @param record as it is when the attempt begins */
export function measureBegin(metrics: Metrics, record: JobRecord): void {
  if (record.attempt !== 1) return;
  const sinceMs = Math.max(record.createdMs, record.atMs ?? 0);
  const waitedMs = (record.startedMs ?? Date.now()) - sinceMs;
  metrics.jobWait.observe(toKind(record), Math.max(0, waitedMs) / 1000);
}

/** @param reason how the attempt came to an end, `broken` for a fault of ours or of Redis */
export function measureAttempt(metrics: Metrics, record: Kind, reason: string): void {
  metrics.jobAttempts.inc({ ...toKind(record), reason });
}

/** @param record as the last attempt left it */
export function measureEnd(metrics: Metrics, record: JobRecord): void {
  const kind = toKind(record);
  const { status, queue, startedMs, steps } = record;
  metrics.jobsFinished.inc({ ...kind, status });
  metrics.queueLastFinished.set({ queue }, Date.now() / 1000);
  if (startedMs !== undefined)
    metrics.jobDuration.observe({ ...kind, status }, Math.max(0, Date.now() - startedMs) / 1000);
  for (const step of steps) {
    if (step.finishedMs === undefined) continue;
    const seconds = Math.max(0, step.finishedMs - step.startedMs) / 1000;
    // What follows a colon counts steps of a kind: no label of its own for each service.
    const name = step.name.split(':')[0] ?? step.name;
    metrics.stepDuration.observe({ ...kind, step: name }, seconds);
  }
}
