import type { ChangeFeed, JobNews } from '../../jobs/change-feed.ts';
import { hasEnded, isFinal, type JobSummary } from '../../jobs/job-record.ts';
import type { JobRecords } from '../../jobs/job-records.ts';
import { startPause } from '../../lib/wait.ts';

/** News may be lost while Redis is away for a moment, so the record is looked at this often anyway. */
const lookAgainMs = 5_000;

/** The job as it is when it has ended or the signal says so. It listens before it reads. */
export async function waitForEnd(
  jobId: string,
  { records, feed, signal }: { records: JobRecords; feed: ChangeFeed; signal: AbortSignal },
): Promise<JobSummary | undefined> {
  let wake = () => {};
  const stopListening = feed.listenTo(jobId, (news) => isOfEnd(news) && wake());
  try {
    for (;;) {
      const { over, end } = startPause(lookAgainMs, signal);
      wake = end;
      try {
        const record = await records.findSummary(jobId);
        if (!record || hasEnded(record) || signal.aborted) return record;
        await over;
      } finally {
        end();
      }
    }
  } finally {
    stopListening();
  }
}

/** A final status may come before what was begun is put back: each such news is a reason to look. */
function isOfEnd({ kind, status }: JobNews): boolean {
  return kind === 'removed' || status === '' || isFinal(status);
}
