import type { Site } from '../../sites/sites.ts';
import { DataStoreInvalidError, DataStoreRefusedError } from '../data-store-errors.ts';
import { lockOfItem } from '../data-store-item.ts';
import { siteNamesOf } from '../data-store-selection.ts';
import type { JobContext } from '../job-type.ts';
import { changePassword } from './change-password.ts';
import { type FoundItem, findLogins } from './find-logins.ts';
import type {
  RotateDataStorePasswordParams,
  RotateDataStorePasswordResult,
  RotatedItem,
} from './schema.ts';

type Place = { site: Site; at: number; items: FoundItem[] };

export async function rotateDataStorePassword(
  params: RotateDataStorePasswordParams,
  context: JobContext,
): Promise<RotateDataStorePasswordResult> {
  const { sites, step, secrets, lock, warn } = context;
  const places: Place[] = [];
  for (const [at, name] of siteNamesOf(params).entries()) {
    const site = sites.get(name);
    const { items } = await step(findLogins(at), { site, at, match: params.match, secrets, warn });
    places.push({ site, at, items });
  }
  if (params.dryRun)
    return toResult(
      places.map((place) => toDryRun(place)),
      context,
    );
  refuseNone(places, params);
  const { passwordFrom } = params;
  const password =
    passwordFrom === undefined ? (params.password ?? '') : await secrets.read(passwordFrom);
  await lock(
    places.flatMap(({ site, items }) => items.map(({ path }) => lockOfItem(site.name, path))),
  );
  const done: RotateDataStorePasswordResult['sites'] = [];
  let number = 0;
  for (const { site, at, items } of places) {
    const rotated: RotatedItem[] = [];
    for (const found of items) {
      const input = { site, at, found, password, secrets, validations: context.validations };
      rotated.push(await step(changePassword(number), input));
      number += 1;
    }
    done.push({ site: site.name, items: rotated });
  }
  await sayWhatStayed(done, context);
  return toResult(done, context);
}

function toDryRun({ site, items }: Place) {
  return {
    site: site.name,
    items: items.map(({ path, sides, services }) => ({
      path,
      sides,
      services,
      outcome: 'would-change' as const,
      messages: [],
    })),
  };
}

function refuseNone(places: Place[], { match }: RotateDataStorePasswordParams): void {
  if (places.some(({ items }) => items.length > 0)) return;
  const { host, database, user } = match;
  const names = places.map(({ site }) => site.name).join(', ');
  throw new DataStoreRefusedError(
    'not_found',
    `No item on ${names} leads to ${host}${database ? `/${database}` : ''} as ${user}. Nothing was changed. With dryRun=true you see what is found.`,
  );
}

/** A password that no item validates with is no success; one that some do not is a warning for each. */
async function sayWhatStayed(
  done: RotateDataStorePasswordResult['sites'],
  { warn }: JobContext,
): Promise<void> {
  const all = done.flatMap(({ site, items }) => items.map((item) => ({ site, ...item })));
  const stayed = all.filter(({ outcome }) => outcome === 'put-back');
  if (stayed.length === all.length) {
    const [first] = stayed;
    throw new DataStoreInvalidError(
      `None of ${all.length} items validates with the new password; all are as they were. ${first?.site} said: ${first?.messages.join(' ')}`,
      {
        facts: {
          ...(first && { site: first.site, siteMessages: first.messages }),
          item: { path: first?.path, type: 'egdb', info: {} },
          items: stayed,
        },
      },
    );
  }
  for (const { site, path, messages } of stayed) {
    await warn(
      `${path} on ${site} does not validate with the new password and is as it was: ${messages.join(' ')}`,
    );
  }
}

function toResult(
  sites: RotateDataStorePasswordResult['sites'],
  { warnings }: JobContext,
): RotateDataStorePasswordResult {
  const count = (outcome: RotatedItem['outcome']) =>
    sites.flatMap(({ items }) => items).filter((item) => item.outcome === outcome).length;
  return {
    sites,
    changed: count('changed'),
    putBack: count('put-back'),
    warnings: warnings(),
  };
}
