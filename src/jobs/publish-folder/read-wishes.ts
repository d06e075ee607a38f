import { DocumentError } from '../../lib/errors.ts';
import { siteNamesOf } from '../data-store-selection.ts';
import { linkToUpload } from '../file-link.ts';
import type { ChildWish } from '../job-children.ts';
import type { JobContext } from '../job-type.ts';
import { publishServiceDefinitionJob } from '../publish-service-definition/job-type.ts';
import { findPlan, type PlannedService } from './folder-plan.ts';
import { readSource } from './read-source.ts';
import { forEachService, type PublishFolderParams } from './schema.ts';
import { SourceRefusedError } from './source-errors.ts';

/** One child per definition and site. */
export async function readWishes(
  params: PublishFolderParams,
  context: JobContext,
): Promise<ChildWish[]> {
  const { step, storage, jobId, warn } = context;
  await step(readSource, { ...context, params, warn });
  const plan = await findPlan(storage, jobId);
  if (!plan) throw new SourceRefusedError('The plan of this job is not there any more.');
  const sites = siteNamesOf(params);
  return plan.flatMap((service) => sites.map((site) => toWish(service, site, params)));
}

function toWish(planned: PlannedService, site: string, params: PublishFolderParams): ChildWish {
  const keyOf = (key: string) => `${key} on ${site}`;
  const { uploadId, folder, serviceName, fault, after, service, sha256 } = planned;
  const common = forEachService.map((name) => [name, params[name]]);
  return {
    key: keyOf(planned.key),
    jobType: publishServiceDefinitionJob,
    inputs: {
      ...Object.fromEntries(common.filter(([, value]) => value !== undefined)),
      site,
      ...(uploadId !== undefined && { serviceDefinition: linkToUpload(uploadId) }),
      ...(folder !== undefined && { folder }),
      ...(serviceName !== undefined && { serviceName }),
    },
    ...(service !== undefined && { service }),
    ...(sha256 !== undefined && { digest: `${sha256} ${service}` }),
    after: after.map(keyOf),
    ...(fault && { refusal: new DocumentError(fault.code, fault.message) }),
  };
}
