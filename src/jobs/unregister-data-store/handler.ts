import { z } from 'zod';
import { registerItem, unregisterItem } from '../../sites/data-store-items.ts';
import {
  countReferences,
  findWholeItem,
  type WholeDataStoreItem,
} from '../../sites/data-store-reader.ts';
import { findServicesOn, readSiteData } from '../../sites/data-store-uses.ts';
import type { Site } from '../../sites/sites.ts';
import { DataStoreRefusedError, ItemNotPutBackError } from '../data-store-errors.ts';
import { isShownEncrypted, lockOfItem, refuseManagedStore } from '../data-store-item.ts';
import { hideSecretsOf } from '../data-store-registration.ts';
import { findSelected, type Selection, siteNamesOf } from '../data-store-selection.ts';
import type { JobContext } from '../job-type.ts';
import { defineStep, type StepContext } from '../step.ts';
import type { UnregisterDataStoreParams, UnregisterDataStoreResult } from './schema.ts';

const UsedItem = z.object({
  path: z.string(),
  type: z.string(),
  services: z.array(z.string()),
  references: z.number().optional(),
});
const Found = z.object({ items: z.array(UsedItem), missing: z.array(z.string()) });
type Found = z.output<typeof Found>;

type Input = Pick<JobContext, 'secrets' | 'warn'> & {
  site: Site;
  selection: Selection;
  at: number;
};

export async function unregisterDataStore(
  params: UnregisterDataStoreParams,
  context: JobContext,
): Promise<UnregisterDataStoreResult> {
  const { sites, step, secrets, warn, lock, validations, warnings } = context;
  const places: { site: Site; found: Found; at: number }[] = [];
  for (const [at, name] of siteNamesOf(params).entries()) {
    const site = sites.get(name);
    const found = await step(findItems(at), { site, selection: params, at, secrets, warn });
    places.push({ site, found, at });
  }
  if (!params.force) refuseUsed(places);
  await lock(
    places.flatMap(({ site, found }) => found.items.map(({ path }) => lockOfItem(site.name, path))),
  );
  const items: UnregisterDataStoreResult['items'] = [];
  let number = 0;
  for (const { site, found, at } of places) {
    for (const path of found.missing)
      items.push({ site: site.name, path, outcome: 'absent', services: [] });
    for (const { path, services } of found.items) {
      await step(unregister(number), { site, path, at, secrets });
      await validations.forget(site.name, path);
      items.push({ site: site.name, path, outcome: 'unregistered', services });
      number += 1;
    }
  }
  return { items, warnings: warnings() };
}

const keptItems = (at: number) => `items-${at}`;

/** Finds the items and who uses them, and keeps them as they are, should they have to be put back. */
function findItems(at: number) {
  return defineStep<Input, Found>({
    name: `find:${at}`,
    title: 'Looking who uses the items',
    share: [0, 40],
    result: Found,
    act: find,
  });
}

async function find(input: Input, context: StepContext): Promise<Found> {
  const { site, selection, secrets, at } = input;
  const { signal } = context;
  const { found, missing } = await findSelected(site, selection, context);
  for (const item of found) {
    hideSecretsOf(item, secrets);
    refuseManagedStore(site.name, item);
  }
  await secrets.keep(keptItems(at), JSON.stringify(found));
  const data = found.length > 0 ? await readSiteData(site, { signal }) : undefined;
  const items = [];
  for (const item of found) {
    const references = await countReferences(site, item.path, { signal });
    const services = data ? findServicesOn(item, data) : [];
    items.push({
      path: item.path,
      type: item.type,
      services,
      ...(references !== undefined && { references }),
    });
  }
  return { items, missing };
}

/** A count without names counts too: services that no definition made have no manifest. */
function refuseUsed(places: { site: Site; found: Found }[]): void {
  const used = places.flatMap(({ site, found }) =>
    found.items
      .filter(({ services, references = 0 }) => services.length > 0 || references > 0)
      .map((item) => ({ site: site.name, ...item })),
  );
  const [first] = used;
  if (!first) return;
  const words = used.map(({ site, path, services, references = 0 }) => {
    const names = services.length > 0 ? services.join(', ') : 'services that have no manifest';
    return `${path} on ${site} is used by ${names} (${Math.max(references, services.length)} in all)`;
  });
  throw new DataStoreRefusedError(
    'data_store_in_use',
    `${words.join('; ')}. Nothing was unregistered. With force=true it is unregistered all the same, and they stop working at their next start.`,
    { site: first.site, services: used.flatMap(({ services }) => services), items: used },
  );
}

type One = Pick<JobContext, 'secrets'> & { site: Site; path: string; at: number };

function unregister(number: number) {
  return defineStep<One, object>({
    name: `unregister:${number}`,
    title: 'Unregistering',
    share: [40, 98],
    result: z.object({}),
    look: async ({ site, path }, { signal }) =>
      (await findWholeItem(site, path, { signal })) ? undefined : {},
    act: remove,
    undo: putBack,
  });
}

async function remove({ site, path }: One, { signal, log }: StepContext): Promise<object> {
  await unregisterItem(site, path, { signal });
  if (await findWholeItem(site, path, { signal })) {
    throw new DataStoreRefusedError(
      'verification_failed',
      `${site.name} said that it unregistered ${path}, and still shows it.`,
      { site: site.name },
    );
  }
  await log.info(`${path} was unregistered from ${site.name}.`);
  return {};
}

async function putBack(
  { site, path, at, secrets }: One,
  _result: object | undefined,
  { signal, intends }: StepContext,
): Promise<string | undefined> {
  if (await findWholeItem(site, path, { signal })) return undefined;
  const kept = JSON.parse(secrets.get(keptItems(at))) as WholeDataStoreItem[];
  const item = kept.find((each) => each.path === path);
  if (!item) return undefined;
  if (isShownEncrypted(item)) {
    throw new ItemNotPutBackError(
      `${path} on ${site.name} could not be registered again: the site had shown its connection only encrypted`,
    );
  }
  const note = `${path} was registered again on ${site.name}`;
  await intends(note);
  const { id: _id, ...written } = item;
  await registerItem(site, { ...written, path, type: item.type, info: item.info }, { signal });
  return note;
}
