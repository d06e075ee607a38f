import { z } from 'zod';
import { readConnectionFacts } from '../../sites/connection-strings.ts';
import {
  findWholeItems,
  isManagedStore,
  type WholeDataStoreItem,
} from '../../sites/data-store-reader.ts';
import { findServicesOn, readSiteData } from '../../sites/data-store-uses.ts';
import type { Site } from '../../sites/sites.ts';
import { isShownEncrypted } from '../data-store-item.ts';
import { hideSecretsOf } from '../data-store-registration.ts';
import type { JobContext } from '../job-type.ts';
import { defineStep, type StepContext } from '../step.ts';
import type { RotateDataStorePasswordParams } from './schema.ts';

const Side = z.enum(['server', 'client']);
type Side = z.output<typeof Side>;

const FoundItem = z.object({
  path: z.string(),
  sides: z.array(Side),
  services: z.array(z.string()),
});
export type FoundItem = z.output<typeof FoundItem>;

const Found = z.object({ items: z.array(FoundItem) });
type Found = z.output<typeof Found>;

type Match = RotateDataStorePasswordParams['match'];
type Input = Pick<JobContext, 'secrets' | 'warn'> & { site: Site; at: number; match: Match };

/** The member of `info` that holds a side of an item. */
export const memberOf = {
  server: 'connectionString',
  client: 'clientConnectionString',
} satisfies Record<Side, string>;

const keptLogins = (at: number) => `logins-${at}`;

/** Finds the items of a login on one site and keeps them as they are, should they have to be put back. */
export function findLogins(at: number) {
  return defineStep<Input, Found>({
    name: `find:${at}`,
    title: 'Looking for items of the login',
    share: [0, 20],
    result: Found,
    act: find,
  });
}

/** An item as it was when the job began. */
export function readKept(
  { secrets, at }: Pick<Input, 'secrets' | 'at'>,
  path: string,
): WholeDataStoreItem {
  const kept = JSON.parse(secrets.get(keptLogins(at))) as WholeDataStoreItem[];
  const item = kept.find((each) => each.path === path);
  if (!item) throw new Error(`${path} was not kept`);
  hideSecretsOf(item, secrets);
  return item;
}

async function find(input: Input, { signal }: StepContext): Promise<Found> {
  const { site, match, secrets, at } = input;
  const all = await findWholeItems(site, { types: ['egdb'] }, { signal });
  const databases = all.filter((item) => !isManagedStore(item));
  for (const item of databases) hideSecretsOf(item, secrets);
  await warnOfUnseen(input, databases);
  const ours = databases.filter((item) => sidesOf(item, match).length > 0);
  await secrets.keep(keptLogins(at), JSON.stringify(ours));
  if (ours.length === 0) return { items: [] };
  const data = await readSiteData(site, { signal });
  return {
    items: ours.map((item) => ({
      path: item.path,
      sides: sidesOf(item, match),
      services: findServicesOn(item, data),
    })),
  };
}

async function warnOfUnseen(
  { site, warn }: Input,
  databases: readonly WholeDataStoreItem[],
): Promise<void> {
  const unseen = databases.filter((item) => isShownEncrypted(item)).map(({ path }) => path);
  if (unseen.length === 0) return;
  await warn(
    `${site.name} shows ${unseen.join(', ')} only encrypted to our account: whether the login stands there cannot be told.`,
  );
}

function sidesOf({ info }: WholeDataStoreItem, match: Match): Side[] {
  return Side.options.filter((side) => {
    const text = info[memberOf[side]];
    return typeof text === 'string' && isLogin(text, match);
  });
}

function isLogin(text: string, { host, database, user }: Match): boolean {
  const facts = readConnectionFacts(text);
  const isSame = (one: string | undefined, other: string) =>
    one?.toLowerCase() === other.toLowerCase();
  return (
    !facts.isOsLogin &&
    isSame(facts.host, host) &&
    isSame(facts.user, user) &&
    (database === undefined || isSame(facts.database, database))
  );
}
