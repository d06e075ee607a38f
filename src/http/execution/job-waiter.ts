import type { ChangeFeed } from '../../jobs/change-feed.ts';
import { hasEnded, type JobSummary } from '../../jobs/job-record.ts';
import type { JobRecords } from '../../jobs/job-records.ts';
import { pause } from '../../lib/wait.ts';

/** News may be lost while Redis is away for a moment, so the record is looked at this often anyway. */
const lookAgainMs = 5_000;

/** The job as it is when it has ended or the signal says so. It listens before it reads. */
export async function waitForEnd(
  jobId: string,
  { records, feed, signal }: { records: JobRecords; feed: ChangeFeed; signal: AbortSignal },
): Promise<JobSummary | undefined> {
  let wake = () => {};
  const stopListening = feed.listenTo(jobId, () => wake());
  try {
    for (;;) {
      const isNews = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const record = await records.findSummary(jobId);
      if (!record || hasEnded(record) || signal.aborted) return record;
      await Promise.race([isNews, pause(lookAgainMs, signal).catch(() => undefined)]);
    }
  } finally {
    stopListening();
  }
}
