import { z } from 'zod';
import { withPassword } from '../../sites/connection-strings.ts';
import { findWholeItem, type WholeDataStoreItem } from '../../sites/data-store-reader.ts';
import type { Site } from '../../sites/sites.ts';
import { checkSite } from '../data-store-check.ts';
import { toConnectionString } from '../data-store-connection.ts';
import { DataStoreRefusedError } from '../data-store-errors.ts';
import { refuseManagedStore } from '../data-store-item.ts';
import { carryOutRegistration, hideSecretsOf } from '../data-store-registration.ts';
import { toConnectionText, withNamedSecret } from '../data-store-stores.ts';
import type { JobContext } from '../job-type.ts';
import { defineStep } from '../step.ts';
import type { UpdateDataStoreParams, UpdateDataStoreResult } from './schema.ts';

export async function updateDataStore(
  params: UpdateDataStoreParams,
  context: JobContext,
): Promise<UpdateDataStoreResult> {
  const { sites, step, secrets, validations, warn } = context;
  const site = sites.get(params.site);
  await step(checkSite, { site });
  await step(findItem, { site, path: params.item, secrets });
  const held = JSON.parse(secrets.get(heldName)) as WholeDataStoreItem;
  hideSecretsOf(held, secrets);
  const item = { ...held, ...(await applyChanges(held, params, secrets)) };
  return carryOutRegistration(
    { site, item, ifExists: 'update', mustExist: true, secrets, validations, warn },
    context,
  );
}

const heldName = 'held';

/** What is changed is computed from the item as it was, in later attempts too. */
const findItem = defineStep<Pick<JobContext, 'secrets'> & { site: Site; path: string }, object>({
  name: 'find',
  title: 'Looking for the item',
  share: [8, 20],
  isReading: true,
  result: z.object({}),
  act: async ({ site, path, secrets }, { signal }) => {
    const held = await findWholeItem(site, path, { signal });
    if (!held) {
      throw new DataStoreRefusedError('not_found', `${site.name} has no item ${path}.`, {
        site: site.name,
      });
    }
    refuseManagedStore(site.name, held);
    await secrets.keep(heldName, JSON.stringify(held));
    return {};
  },
});

type Secrets = Pick<JobContext['secrets'], 'read'>;
type Changed = Pick<WholeDataStoreItem, 'info'> & { clientPath?: string | null };

async function applyChanges(
  held: WholeDataStoreItem,
  params: UpdateDataStoreParams,
  secrets: Secrets,
): Promise<Changed> {
  if (held.type === 'folder') return changeFolder(held, params);
  if (held.type === 'egdb') return { info: await changeDatabase(held, params, secrets) };
  return { info: await changeStore(held, params, secrets) };
}

function changeFolder(held: WholeDataStoreItem, params: UpdateDataStoreParams): Changed {
  const { path = held.info.path, hostName = held.info.hostName } = params;
  const clientPath = params.clientPath === undefined ? held.clientPath : params.clientPath;
  refuseOthers(held, params, ['path', 'clientPath', 'hostName']);
  return {
    clientPath: clientPath || null,
    info: {
      ...held.info,
      path,
      hostName: hostName ?? null,
      dataStoreConnectionType: clientPath ? 'replicated' : 'shared',
    },
  };
}

async function changeDatabase(
  held: WholeDataStoreItem,
  params: UpdateDataStoreParams,
  secrets: Secrets,
): Promise<Record<string, unknown>> {
  refuseOthers(held, params, [
    'connectionString',
    'connection',
    'clientConnectionString',
    'clientConnection',
    'password',
    'passwordFrom',
  ]);
  const { connectionString, connection, passwordFrom } = params;
  const password =
    params.password ?? (passwordFrom === undefined ? undefined : await secrets.read(passwordFrom));
  const written =
    (await toConnectionString({ connectionString, connection }, secrets)) ??
    String(held.info.connectionString ?? '');
  if (password !== undefined) requireShown(held, written);
  const client =
    params.clientConnectionString === undefined
      ? ((await toConnectionString({ connection: params.clientConnection }, secrets)) ??
        held.info.clientConnectionString)
      : params.clientConnectionString;
  const { clientConnectionString: _old, ...info } = held.info;
  const isReplicated = typeof client === 'string' && client !== '';
  const kind = isReplicated ? 'replicated' : 'shared';
  return {
    ...info,
    connectionString: password === undefined ? written : withPassword(written, password),
    ...(isReplicated && { clientConnectionString: client }),
    dataStoreConnectionType: info.isManaged === true ? info.dataStoreConnectionType : kind,
  };
}

async function changeStore(
  held: WholeDataStoreItem,
  params: UpdateDataStoreParams,
  secrets: Secrets,
): Promise<Record<string, unknown>> {
  refuseOthers(held, params, ['storeConnection', 'objectStore']);
  const { storeConnection, objectStore = held.info.objectStore } = params;
  const others = { ...held.info, ...(objectStore !== undefined && { objectStore }) };
  if (!storeConnection) {
    requireShown(held, String(held.info.connectionString ?? ''));
    return others;
  }
  const connection = await withNamedSecret(storeConnection, (name) => secrets.read(name));
  return { ...others, connectionString: toConnectionText(connection) };
}

/** That a site takes back what it shows in its own encryption is not verified: so it is not sent. */
function requireShown({ path }: WholeDataStoreItem, text: string): void {
  if (!text.startsWith('{crypt}')) return;
  throw new DataStoreRefusedError(
    'secret_missing',
    `The site shows the connection of ${path} only encrypted to our account: send the whole connection. Nothing was changed.`,
  );
}

type Change = Exclude<keyof UpdateDataStoreParams, 'site' | 'item'>;

function refuseOthers(
  { path, type }: WholeDataStoreItem,
  { site: _site, item: _item, ...changes }: UpdateDataStoreParams,
  allowed: Change[],
): void {
  const others = Object.entries(changes)
    .filter(([name, value]) => value !== undefined && !allowed.includes(name as Change))
    .map(([name]) => name);
  if (others.length === 0) return;
  throw new DataStoreRefusedError(
    'validation_error',
    `${path} is of the type ${type}, to which ${others.join(', ')} does not belong. Nothing was changed.`,
  );
}
