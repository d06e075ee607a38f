import { isSystemService } from '../../sites/service-states.ts';
import type { JobContext } from '../job-type.ts';
import { changeEach, countOutcomes, selectServices, toPlanned } from '../service-batch.ts';
import { lockOfService } from '../service-lock.ts';
import { alreadyGone, deleteOne } from './delete-one.ts';
import { keepPictures } from './keep-pictures.ts';
import type { DeletedService, DeleteServicesParams, DeleteServicesResult } from './schema.ts';

const finality = 'What is deleted cannot be put back: it has to be published again.';

export async function deleteServices(
  params: DeleteServicesParams,
  context: JobContext,
): Promise<DeleteServicesResult> {
  const { step, warn, sites, ledger } = context;
  const site = sites.get(params.site);
  const found = await selectServices(site, params.services, context, {
    mayBeMissing: true,
    ifNoneMatch: params.ifNoneMatch,
  });
  const services = found.services.filter((service) => !isSystemService(service));
  const gone = found.missing.map(alreadyGone);
  if (services.length > 0) {
    await warn(finality);
    if (found.isFederated)
      await warn(`${site.name} is federated: the portal items of these services go with them.`);
  }
  if (params.dryRun) {
    const planned = services.map((service) => toPlanned(service, { isDue: true }));
    return countOutcomes([...planned, ...gone], context);
  }
  if (services.length === 0) return countOutcomes<DeletedService>(gone, context);
  await context.lock(services.map((target) => lockOfService(site.name, target)));
  const kept = await step(keepPictures, { ...context, site, services });
  const outcomes = await changeEach(
    {
      site,
      services,
      continues: params.onFailure === 'continue',
      carryOut: (one, place) => step(deleteOne(place), { ...one, ledger, kept }),
    },
    context,
  );
  return { ...countOutcomes([...outcomes, ...gone], context), pictures: kept.pictures };
}
