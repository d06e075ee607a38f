import type { Fault } from './faults.ts';
import { type ServiceName, serviceLabel } from './services.ts';
import { failure, informative, type JobOutcome, type SiteJob } from './site-jobs.ts';
import type { SiteState } from './site-state.ts';

/** Texts that were seen, except where it says otherwise. */
const texts: Record<string, string> = {
  '001487':
    "ERROR 001487: Failed to update the published service with the server-side data location. Please see the server's log for more details.",
  '001369': 'ERROR 001369: Failed to create the service.',
  // The numbers are documented, the words behind them not verified.
  '001364': 'ERROR 001364: The integrity check of the service definition failed.',
  '999999': 'ERROR 999999: Error executing function.',
};

export type LogLine = { type?: string; source?: string; message: string };

/** Thrown inside a publish: what the job's messages say, and what the log says beside it. */
export class PublishFailure extends Error {
  override readonly name = 'PublishFailure';
  readonly chain: string[];
  readonly log: LogLine[];

  constructor(chain: string[], log: LogLine[] = []) {
    super(chain.join(' '));
    this.chain = chain.map((entry) => texts[entry] ?? entry);
    this.log = log;
  }
}

export function failureOf(fault: Fault): PublishFailure {
  const messages = fault.messages ?? fault.message ?? ['001487', '001369'];
  return new PublishFailure([messages].flat().map(String), readLog(fault.log));
}

function readLog(log: unknown): LogLine[] {
  if (!Array.isArray(log)) return [];
  return log.map((line) => (typeof line === 'string' ? { message: line } : (line as LogLine)));
}

/** Ends the job as failed and writes the site's log: the useful cause often stands only there. */
export function toFailedOutcome(
  site: SiteState,
  job: SiteJob,
  failed: PublishFailure,
  target: ServiceName | undefined,
): JobOutcome {
  const tail = `Failed to execute (${job.task}).`;
  const label = target
    ? serviceLabel({
        folder: target.folder,
        json: { serviceName: target.name, type: target.type },
      })
    : '';
  for (const line of failed.log) {
    site.logs.write({
      type: line.type ?? 'SEVERE',
      source: line.source ?? (label || 'Server'),
      message: line.message.replaceAll('{service}', label),
    });
  }
  site.logs.write({
    type: 'SEVERE',
    source: `System/${job.tools}.GPServer`,
    user: job.user,
    methodName: 'GPServerSync.Submit',
    message: `Error executing tool. ${job.task.replaceAll(' ', '')} Job ID: ${job.jobId} : ${failed.chain.join(' ')} ${tail}`,
  });
  return {
    status: 'esriJobFailed',
    messages: [...failed.chain.map(failure), failure(tail), informative('Failed.')],
  };
}
