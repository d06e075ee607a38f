import { z } from 'zod';
import { findWholeItems } from '../../sites/data-store-reader.ts';
import { isPlaceOn } from '../../sites/data-store-uses.ts';
import { toFolder, toText } from '../../sites/service-target.ts';
import { findFolder, findService } from '../../sites/services.ts';
import { readDirectories, readRestInfo } from '../../sites/site-reader.ts';
import type { Site } from '../../sites/sites.ts';
import type { JobContext } from '../job-type.ts';
import { ServicesRefusedError } from '../service-errors.ts';
import { federatedText } from '../service-permissions.ts';
import { refuseUnknownRoles } from '../service-roles.ts';
import { defineStep, type StepContext } from '../step.ts';
import type { CreateImageServiceParams } from './schema.ts';

const Checked = z.object({
  action: z.enum(['create', 'skip']),
  target: z.object({ folder: z.string(), serviceName: z.string(), type: z.string() }),
  dataStore: z.string().nullable(),
  version: z.string().optional(),
  directories: z.array(
    z.object({
      type: z.string(),
      physicalPath: z.string(),
      virtualPath: z.string().optional(),
    }),
  ),
});
export type Checked = z.output<typeof Checked>;

type Input = { site: Site; params: CreateImageServiceParams; warn: JobContext['warn'] };

/** Looks at site, target and data, and decides once what is to be done. Nothing is changed. */
export const checkImage = defineStep<Input, Checked>({
  name: 'check',
  title: 'Checking the site and the raster',
  share: [0, 15],
  isReading: true,
  result: Checked,
  look: async () => undefined,
  act: check,
});

async function check({ site, params, warn }: Input, context: StepContext): Promise<Checked> {
  const { version, owningSystemUrl } = await readRestInfo(site, context);
  if (params.permissions && owningSystemUrl)
    throw new ServicesRefusedError('conflict', federatedText(site.name), { site: site.name });
  if (params.permissions) await refuseUnknownRoles(site, params.permissions, { ...context, warn });
  const wanted = {
    folder: toFolder(params.folder),
    serviceName: params.serviceName,
    type: 'ImageServer',
  };
  const existing = await findService(site, wanted, context);
  const common = { dataStore: null, directories: [], ...(version && { version }) };
  if (existing && params.ifExists === 'skip')
    return { ...common, action: 'skip', target: existing };
  if (existing) {
    throw new ServicesRefusedError(
      'service_exists',
      `${toText(existing)} exists on ${site.name}. Send ifExists=skip to leave it as it is, or another serviceName. Nothing was changed.`,
      { site: site.name, service: toText(existing) },
    );
  }
  const folder = (await findFolder(site, wanted.folder, context)) ?? wanted.folder;
  return {
    ...common,
    action: 'create',
    target: { ...wanted, folder },
    dataStore: await findDataStore({ site, params, warn }, context),
    directories: await readDirectories(site, context),
  };
}

const storeTypes = ['folder', 'rasterStore', 'cloudStore', 'objectStore'];

/** What is not registered the account of the server may read all the same, or it may not: only a start tells. */
async function findDataStore(
  { site, params, warn }: Input,
  context: StepContext,
): Promise<string | null> {
  const items = await findWholeItems(site, { types: storeTypes }, context);
  const item = items.find((each) => isPlaceOn(each, params.path));
  if (item) return item.path;
  const names = items.map(({ path }) => path).slice(0, 8);
  const message = `${params.path} lies in nothing that ${site.name} has registered${names.length > 0 ? ` (${names.join(', ')})` : ''}.`;
  if (params.referencedData === 'warn') {
    await warn(message);
    return null;
  }
  throw new ServicesRefusedError(
    'unregistered_data',
    `${message} Register the folder above it, or send referencedData=warn. Nothing was changed.`,
    { site: site.name },
  );
}
