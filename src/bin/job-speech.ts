import type { WantedResults } from '../http/execution/job-acceptance.ts';
import { jobUrl } from '../http/links.ts';
import { toResultDocument } from '../http/results.ts';
import { toStatusInfo } from '../http/status-info.ts';
import type { Config } from '../lib/config.ts';
import type { JobSpeech } from '../webhooks/event-deliveries.ts';

/** Webhooks and callbacks speak of jobs as the API does. Without a public URL links lead to this machine. */
export function createJobSpeech({ publicUrl, host, port }: Config['http']): JobSpeech {
  const root = publicUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    href: (jobId) => jobUrl(root, jobId),
    statusInfo: (record) => toStatusInfo(record, root),
    results: ({ results, response }) =>
      toResultDocument(
        (results ?? {}) as Record<string, unknown>,
        (response ?? {}) as WantedResults,
      ),
  };
}
