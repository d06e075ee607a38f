import { echoJob } from './echo/job-type.ts';
import type { JobType } from './job-type.ts';
import { publishServiceDefinitionJob } from './publish-service-definition/job-type.ts';

/** Every job type the gateway knows. Routes, OGC processes, worker, OpenAPI and tests come of it. */
export const jobTypes: readonly JobType[] = [publishServiceDefinitionJob];

/** What a deployment offers: `echo` is for conformance tests and off unless it is asked for. */
export function offeredJobTypes(options: { conformanceEcho: boolean }): readonly JobType[] {
  return options.conformanceEcho ? [...jobTypes, echoJob] : jobTypes;
}
