import type { JobContext } from '../job-type.ts';
import { changeEach, countOutcomes, selectServices, toPlanned } from '../service-batch.ts';
import { ServicesRefusedError } from '../service-errors.ts';
import { federatedText, findPermissionChanges } from '../service-permissions.ts';
import { checkRoles } from './check-roles.ts';
import { permitOne } from './permit-one.ts';
import type {
  PermittedService,
  SetServicePermissionsParams,
  SetServicePermissionsResult,
} from './schema.ts';

export async function setServicePermissions(
  params: SetServicePermissionsParams,
  context: JobContext,
): Promise<SetServicePermissionsResult> {
  const site = context.sites.get(params.site);
  const { services, isFederated } = await selectServices(site, params.services, context, params);
  if (isFederated)
    throw new ServicesRefusedError('conflict', federatedText(site.name), { site: site.name });
  await context.step(checkRoles, { site, wanted: params, warn: context.warn });
  if (params.dryRun) {
    const planned: PermittedService[] = [];
    for (const service of services) {
      const changes = await findPermissionChanges(site, service, params, context);
      planned.push({ ...toPlanned(service, { isDue: changes.length > 0 }), changes });
    }
    return countOutcomes(planned, context);
  }
  const outcomes = await changeEach(
    {
      site,
      services,
      continues: params.onFailure === 'continue',
      carryOut: (one, place) => context.step(permitOne(place), { ...one, wanted: params }),
    },
    context,
  );
  return countOutcomes(outcomes, context);
}
