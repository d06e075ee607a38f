import { parseTarget } from '../../sites/service-target.ts';
import { linkToUpload } from '../file-link.ts';
import type { FailureReport, JobContext } from '../job-type.ts';
import { reportFailureOf } from '../publish-service-definition/failure-report.ts';
import { carryOutPublishing, openPublishing } from '../publish-service-definition/handler.ts';
import type { Publishing } from '../publish-service-definition/publishing-context.ts';
import { PublishServiceDefinitionParams } from '../publish-service-definition/schema.ts';
import { type ChosenVersion, chooseVersion, letVersionGo } from './choose-version.ts';
import type { RollbackServiceParams, RollbackServiceResult } from './schema.ts';

/** Publishes an earlier version again, by the very recipe that published it. */
export async function rollbackService(
  params: RollbackServiceParams,
  context: JobContext,
): Promise<RollbackServiceResult> {
  const { step, ledger, uploads, jobId, deadlineMs } = context;
  const asked = { ...params, ledger, uploads, jobId, deadlineMs };
  const chosen = await step(chooseVersion, asked);
  const results = await carryOutPublishing(await openVersion(params, chosen, context), context);
  await step(letVersionGo, { ...asked, chosen });
  return { ...results, rolledBackTo: params.version };
}

export function reportRollbackFailure(params: RollbackServiceParams): FailureReport<unknown> {
  const report = reportFailureOf((context) => {
    const chosen = context.recordedResult('version') as ChosenVersion;
    return openVersion(params, chosen, context);
  });
  return {
    ...report,
    investigate: async (error, context) =>
      context.recordedResult('version') && report.investigate(error, context),
  };
}

async function openVersion(
  { site, service, version, ...wanted }: RollbackServiceParams,
  { uploadId, inputs }: ChosenVersion,
  context: JobContext,
): Promise<Publishing> {
  const { folder = '', serviceName } = parseTarget(service) ?? {};
  const params = PublishServiceDefinitionParams.parse({
    ...inputs,
    ...wanted,
    site,
    folder: folder === '' ? '/' : folder,
    serviceName,
    serviceDefinition: linkToUpload(uploadId),
    ifExists: 'replace',
  });
  return { ...(await openPublishing(params, context)), rollbackOf: version };
}
