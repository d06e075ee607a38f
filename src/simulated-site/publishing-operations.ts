import { runConnectionTask, runValidationTask } from './connection-tasks.ts';
import { cancelJob, pollJob, queryJobs, readJobInput, readJobResult } from './job-operations.ts';
import { adminService, type Call, type Operation } from './operation.ts';
import { publishDefinition } from './publish-definition.ts';
import type { JobOutcome, SiteJob } from './site-jobs.ts';
import { SiteRefusal } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';

type Task = {
  inputs: string[];
  required: string[];
  outputs: string[];
  run: (site: SiteState, job: SiteJob) => Promise<JobOutcome>;
};

/** Tasks of PublishingTools and its twin for the runtime of ArcGIS Pro; the others are not simulated. */
const publishingTasks: Record<string, Task> = {
  'Publish Service Definition': {
    inputs: ['in_sdp_id', 'in_config_overwrite', 'in_publish_options'],
    required: ['in_sdp_id'],
    outputs: ['out_soap_svc_url', 'out_rest_svc_url', 'out_results'],
    run: publishDefinition,
  },
  'Get Database Connection String': {
    inputs: ['in_connDataType', 'in_inputData', 'in_options'],
    required: ['in_connDataType', 'in_inputData'],
    outputs: ['out_connectionString'],
    run: runConnectionTask,
  },
  'Validate Server Data Store': {
    inputs: ['in_dataStore', 'in_dataStoreType'],
    required: ['in_dataStore', 'in_dataStoreType'],
    outputs: ['out_serverCanAccess'],
    run: runValidationTask,
  },
};

const root = '/rest/services/System/:tools(^PublishingTools(?:Ex)?$)/GPServer';

/** @see Esri, "GP Service", "GP Task", "Submit Job", "Job", "Cancel GP Job" */
export function publishingOperations(site: SiteState): Operation[] {
  const operation = (
    name: string,
    path: string,
    handle: (call: Call) => unknown,
    more: Partial<Operation> = {},
  ): Operation => ({
    name,
    paths: [`${root}${path}`],
    face: 'rest',
    access: 'PUBLISH',
    handle,
    ...more,
  });
  const job = '/:task/jobs/:job';
  return [
    operation('tools', '', (call) => describeTools(site, call)),
    operation('task', '/:task', (call) => describeTask(call)),
    operation('submit', '/:task/submitJob', (call) => submit(site, call), { changes: true }),
    operation('poll', job, (call) => pollJob(site, call)),
    operation('job-result', `${job}/results/:param`, (call) => readJobResult(site, call)),
    operation('job-input', `${job}/inputs/:param`, (call) => readJobInput(site, call)),
    operation('cancel', `${job}/cancel`, (call) => cancelJob(site, call)),
    {
      ...operation('query-jobs', '', (call) => queryJobs(site, call)),
      paths: adminService('/jobs/query'),
      face: 'admin',
    },
    {
      ...operation('cancel', '', (call) => cancelJob(site, call), { methods: 'POST' }),
      paths: adminService('/jobs/:job/cancel'),
      face: 'admin',
    },
  ];
}

function describeTools(site: SiteState, { names }: Call): object {
  checkRunning(site, names.tools ?? '');
  return {
    serviceDescription: '',
    tasks: Object.keys(publishingTasks),
    executionType: 'esriExecutionTypeAsynchronous',
    resultMapServerName: '',
    maximumRecords: 1000,
  };
}

function describeTask(call: Call): object {
  const { inputs, outputs, required } = taskOf(call);
  const parameter = (name: string, direction: string) => ({
    name,
    dataType: name === 'out_serverCanAccess' ? 'GPBoolean' : 'GPString',
    displayName: name,
    description: '',
    defaultValue: '',
    category: '',
    direction: `esriGPParameterDirection${direction}`,
    parameterType: `esriGPParameterType${required.includes(name) || direction === 'Output' ? 'Required' : 'Optional'}`,
  });
  return {
    name: call.names.task,
    displayName: call.names.task,
    description: '',
    category: '',
    helpUrl: '',
    executionType: 'esriExecutionTypeAsynchronous',
    parameters: [
      ...inputs.map((name) => parameter(name, 'Input')),
      ...outputs.map((name) => parameter(name, 'Output')),
    ],
  };
}

/** Some write the task's name without blanks. */
function taskOf({ names }: Call): Task {
  const asked = (names.task ?? '').replaceAll(' ', '').toLowerCase();
  const found = Object.entries(publishingTasks).find(
    ([name]) => name.replaceAll(' ', '').toLowerCase() === asked,
  );
  if (!found) throw new SiteRefusal(404, `The task '${names.task}' is not simulated.`);
  return found[1];
}

function checkRunning(site: SiteState, tools: string): void {
  const service = site.services.taken({ folder: 'System', name: tools, type: 'GPServer' });
  if (service?.realTimeState === 'STARTED') return;
  throw new SiteRefusal(500, `Service System/${tools}/GPServer not started `);
}

/** An unknown item is accepted here and fails in the job; not verified. */
function submit(site: SiteState, call: Call): object {
  const tools = call.names.tools ?? '';
  checkRunning(site, tools);
  const task = taskOf(call);
  const missing = task.required.filter((name) => !call.params[name]);
  if (missing.length > 0) {
    throw new SiteRefusal(400, 'Unable to complete operation.', `Missing: ${missing.join(', ')}`);
  }
  const inputs = Object.fromEntries(
    task.inputs.flatMap((name) => {
      const value = call.params[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const user = call.token?.username ?? '';
  notePressure(site, { tools, user, itemId: inputs.in_sdp_id });
  const job = site.siteJobs.submit(
    {
      tools,
      task: call.names.task ?? '',
      user,
      privilege: call.token?.privilege ?? 'ACCESS',
      inputs,
    },
    (begun) => task.run(site, begun),
  );
  return { jobId: job.jobId, jobStatus: job.status };
}

/** A site breaks when pushed: as many publishes as it has instances, and each item once. */
function notePressure(
  site: SiteState,
  { tools, user, itemId }: { tools: string; user: string; itemId: string | undefined },
): void {
  if (!itemId) return;
  const mine = site.siteJobs
    .unfinished()
    .filter((job) => job.user === user && !job.isForeign && job.inputs.in_sdp_id);
  if (mine.some((job) => job.inputs.in_sdp_id === itemId)) {
    site.violations.record('item-submitted-twice', itemId);
  }
  if (mine.length >= site.instancesOf(tools)) {
    site.violations.record('too-many-jobs', `${mine.length + 1} at a time by ${user}`);
  }
}
