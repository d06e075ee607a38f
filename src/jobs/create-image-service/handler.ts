import type { JobContext } from '../job-type.ts';
import { createTargetFolder } from '../publish-service-definition/create-target-folder.ts';
import { permitRoles } from '../publish-service-definition/permit-roles.ts';
import { namesAndAddresses } from '../publish-service-definition/result.ts';
import { checkImage } from './check-image.ts';
import { createImage } from './create-service.ts';
import { toImageServiceJson } from './image-service-json.ts';
import { leaveFolder } from './leave-folder.ts';
import type { CreateImageServiceParams, CreateImageServiceResult } from './schema.ts';
import { verifyImage } from './verify-image.ts';

export async function createImageService(
  params: CreateImageServiceParams,
  context: JobContext,
): Promise<CreateImageServiceResult> {
  const { step, folderUses, warn } = context;
  const site = context.sites.get(params.site);

  const decision = await step(checkImage, { site, params, warn });
  const { target, dataStore } = decision;
  const common = { service: namesAndAddresses(site, target), dataStore };
  if (decision.action === 'skip') return { outcome: 'skipped', ...common, ...nothingDone(context) };
  await step(createTargetFolder, { site, folderUses, decision });
  const json = toImageServiceJson(params, decision);
  const service = await step(createImage, { site, target, json });
  const { portalItemIds } = await step(verifyImage, { site, target: service });
  const action = 'create' as const;
  const permissions = params.permissions
    ? await step(permitRoles, { site, params, service: { target: service }, decision: { action } })
    : [];
  await step(leaveFolder, { site, target, folderUses });
  return {
    outcome: 'created',
    ...common,
    ...nothingDone(context),
    verification: 'data',
    permissions,
    portalItemIds,
  };
}

function nothingDone({ warnings }: JobContext) {
  return {
    verification: 'none' as const,
    permissions: [],
    portalItemIds: [],
    warnings: warnings(),
  };
}
