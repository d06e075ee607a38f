import type { Call } from './operation.ts';
import { namedService } from './service-operations.ts';
import { jobTime, type SiteJob } from './site-jobs.ts';
import { SiteRefusal } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';

/** For a job that is not known, or is somebody else's, neither body nor code is verified. */
function findJob(site: SiteState, { names, token, operation }: Call): SiteJob {
  const tools = names.tools ?? /^(.+)\.GPServer$/.exec(names.service ?? '')?.[1] ?? '';
  const job = site.siteJobs.find(tools, names.job ?? '');
  if (job && operation.name === 'poll' && site.faults.take('forget-job')) job.isForgotten = true;
  if (!job || job.isForgotten) throw new SiteRefusal(400, `Job ${names.job} does not exist.`);
  if (job.user !== token?.username && token?.privilege !== 'ADMINISTER') {
    throw new SiteRefusal(
      403,
      'You do not have permissions to access this resource or perform this operation.',
    );
  }
  return job;
}

export function pollJob(site: SiteState, call: Call): object {
  const job = findJob(site, call);
  const sincePoll = Date.now() - job.lastPolledAt;
  if (sincePoll < site.settings.politePollMs) {
    site.violations.record('polling-too-fast', `${job.jobId} after ${sincePoll} ms`);
  }
  job.lastPolledAt = Date.now();
  return shownJob(job, call.params.returnMessages !== 'false');
}

function shownJob(job: SiteJob, withMessages: boolean): object {
  const references = (kind: string, names: string[]) =>
    Object.fromEntries(names.map((name) => [name, { paramUrl: `${kind}/${name}` }]));
  return {
    jobId: job.jobId,
    jobStatus: job.status,
    ...(withMessages && { messages: job.messages }),
    ...(job.status === 'esriJobSucceeded' &&
      job.results && { results: references('results', Object.keys(job.results)) }),
    inputs: references('inputs', Object.keys(job.inputs)),
  };
}

export function readJobResult(site: SiteState, call: Call): object {
  const job = findJob(site, call);
  const paramName = call.names.param ?? '';
  if (!job.results || !(paramName in job.results)) {
    throw new SiteRefusal(400, `There is no result '${paramName}'.`); // text not verified
  }
  const value = job.results[paramName];
  return { paramName, dataType: typeof value === 'boolean' ? 'GPBoolean' : 'GPString', value };
}

export function readJobInput(site: SiteState, call: Call): object {
  const job = findJob(site, call);
  const paramName = call.names.param ?? '';
  const value = job.inputs[paramName];
  if (value === undefined) throw new SiteRefusal(400, `There is no input '${paramName}'.`);
  return { paramName, dataType: 'GPString', value };
}

export function cancelJob(site: SiteState, call: Call): object {
  const job = findJob(site, call);
  // Cancelling is not always honoured: the answer says so, the job goes on.
  if (site.faults.take('refuse-cancel')) {
    return { jobId: job.jobId, jobStatus: 'esriJobCancelling', messages: job.messages };
  }
  site.siteJobs.cancel(job);
  return { jobId: job.jobId, jobStatus: job.status, messages: job.messages };
}

/** The keys of one entry are not verified; the inputs have to be read at the job itself. */
export function queryJobs(site: SiteState, call: Call): object {
  const { json } = namedService(site, call);
  if (site.faults.take('refuse-jobs-query')) {
    throw new SiteRefusal(
      403,
      'You do not have permissions to access this resource or perform this operation.',
    );
  }
  const { status, userName } = call.params;
  const start = Math.max(1, Number(call.params.start ?? 1) || 1);
  const number = Math.max(1, Number(call.params.number ?? 10) || 10);
  const found = site.siteJobs
    .list()
    .filter((job) => job.tools === json.serviceName && !job.isForgotten)
    .filter((job) => !status || job.status === status)
    .filter((job) => !userName || job.user === userName);
  const page = found.slice(start - 1, start - 1 + number);
  return {
    results: Object.fromEntries(page.map((job) => [job.jobId, queried(job)])),
    nextStart: start - 1 + number < found.length ? start + number : -1,
  };
}

function queried(job: SiteJob): object {
  return {
    jobId: job.jobId,
    status: job.status,
    userName: job.user,
    submitTime: job.submittedAt,
    startTime: job.startedAt === undefined ? '' : jobTime(job.startedAt),
  };
}
