import type { ServiceDefinitionContent } from '../../documents/service-definition.ts';
import { toFolder } from '../../sites/service-target.ts';
import { uploadIdOf } from '../file-link.ts';
import type { JobContext } from '../job-type.ts';
import { wantedTarget } from './acceptance.ts';
import { awaitSiteJob } from './await-site-job.ts';
import { checkRequest } from './check-request.ts';
import { cleanUp } from './clean-up.ts';
import { configureService } from './configure-service.ts';
import { createTargetFolder } from './create-target-folder.ts';
import { findUnchanged } from './find-unchanged.ts';
import { watchForOutage } from './outage-watch.ts';
import { noPermissions, permitRoles } from './permit-roles.ts';
import type { Publishing } from './publishing-context.ts';
import { NotPublishableError } from './publishing-errors.ts';
import { toResult, toSkippedResult, toUnchangedResult } from './result.ts';
import type { PublishServiceDefinitionParams, PublishServiceDefinitionResult } from './schema.ts';
import { submitDefinition } from './submit-definition.ts';
import { uploadDefinition } from './upload-definition.ts';
import { verifyService } from './verify-service.ts';

/** By name, in their order. */
export const publishingSteps = [
  'compare',
  'check',
  'upload',
  'configure',
  'folder',
  'submit',
  'await',
  'verify',
  'permissions',
  'clean-up',
];

export async function publishServiceDefinition(
  params: PublishServiceDefinitionParams,
  context: JobContext,
): Promise<PublishServiceDefinitionResult> {
  return carryOutPublishing(await openPublishing(params, context), context);
}

/** The recipe, for whatever leads to a publish. */
export async function carryOutPublishing(
  publishing: Publishing,
  context: JobContext,
): Promise<PublishServiceDefinitionResult> {
  const { step } = context;
  const { params } = publishing;

  const unchanged = await step(findUnchanged, publishing);
  if (unchanged.service) {
    return toUnchangedResult(publishing, unchanged.service, unchanged, context);
  }
  const decision = await step(checkRequest, publishing);
  if (decision.action === 'skip') return toSkippedResult(publishing, decision, context);
  const uploadItem = await step(uploadDefinition, { ...publishing, decision });
  const settings = await step(configureService, { ...publishing, decision, uploadItem });
  await step(createTargetFolder, { ...publishing, decision });
  const outage = watchForOutage(publishing, decision, context);
  try {
    const siteJob = await step(submitDefinition, { ...publishing, decision, uploadItem });
    const outcome = await step(awaitSiteJob, { ...publishing, decision, siteJob });
    const service = await step(verifyService, { ...publishing, decision, outcome, settings });
    const outageMs = outage.stop();
    const permissions = params.permissions
      ? await step(permitRoles, { ...publishing, decision, service })
      : noPermissions;
    const { uploadItem: used } = siteJob;
    const { version } = await step(cleanUp, { ...publishing, decision, uploadItem: used, service });
    return toResult(
      { publishing, decision, settings, outcome, service, outageMs, version, permissions },
      context,
    );
  } finally {
    outage.stop();
  }
}

/** Reads what the parameters link to. @throws NotPublishableError when the upload is gone */
export async function openPublishing(
  params: PublishServiceDefinitionParams,
  context: JobContext,
): Promise<Publishing> {
  const upload = await context.uploads.find(uploadIdOf(params.serviceDefinition, []));
  if (upload?.content?.kind !== 'service-definition') {
    throw new NotPublishableError(
      'unreadable_document',
      'The service definition is not there any more. Upload it again.',
    );
  }
  const definition: ServiceDefinitionContent = upload.content;
  return {
    jobId: context.jobId,
    owner: context.owner,
    site: context.sites.get(params.site),
    params: { ...params, ...(params.folder !== undefined && { folder: toFolder(params.folder) }) },
    upload,
    definition,
    wanted: wantedTarget(params, definition),
    storage: context.storage,
    documents: context.documents,
    uploads: context.uploads,
    ledger: context.ledger,
    folderUses: context.folderUses,
    siteJobTimes: context.siteJobTimes,
    siteJobItems: context.siteJobItems,
    composed: new Map(),
    warn: context.warn,
  };
}
