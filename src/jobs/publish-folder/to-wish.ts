import { DocumentError } from '../../lib/errors.ts';
import { linkToUpload } from '../file-link.ts';
import type { ChildWish } from '../job-children.ts';
import { publishServiceDefinitionJob } from '../publish-service-definition/job-type.ts';
import type { PlannedService } from './folder-plan.ts';
import { forEachService, type PublishFolderParams } from './schema.ts';

/** One definition on one site. */
export function toWish(
  planned: PlannedService,
  site: string,
  params: PublishFolderParams,
): ChildWish {
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
