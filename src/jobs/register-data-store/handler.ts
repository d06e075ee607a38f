import type { WholeDataStoreItem } from '../../sites/data-store-reader.ts';
import { checkSite } from '../data-store-check.ts';
import { carryOutRegistration } from '../data-store-registration.ts';
import { foldersByType, toConnectionText, withNamedSecret } from '../data-store-stores.ts';
import type { JobContext } from '../job-type.ts';
import type { RegisterDataStoreParams, RegisterDataStoreResult } from './schema.ts';

export async function registerDataStore(
  params: RegisterDataStoreParams,
  context: JobContext,
): Promise<RegisterDataStoreResult> {
  const { sites, step, secrets, validations, warn } = context;
  const site = sites.get(params.site);
  await step(checkSite, { site });
  const connection = await withNamedSecret({ ...params.connection }, (name) => secrets.read(name));
  const item = toStoreItem({ ...params, connection });
  const { ifExists } = params;
  return carryOutRegistration({ site, item, ifExists, secrets, validations, warn }, context);
}

export function pathOfStore({
  path,
  type,
  name,
}: Pick<RegisterDataStoreParams, 'path' | 'type' | 'name'>): string {
  return path ?? `${foldersByType[type] ?? ''}/${name}`;
}

type Params = Omit<RegisterDataStoreParams, 'connection'> & { connection: Record<string, unknown> };

function toStoreItem(params: Params): WholeDataStoreItem {
  const { type, provider } = params;
  return {
    path: pathOfStore(params),
    type,
    ...(provider !== undefined && { provider }),
    info: toInfo(params),
  };
}

/** @see Esri, "Data Item", for each type */
function toInfo(params: Params): Record<string, unknown> {
  const { type, connection, objectStore, managed } = params;
  switch (type) {
    case 'cloudStore':
      return {
        isManaged: managed ?? false,
        connectionString: toConnectionText(connection),
        objectStore,
      };
    case 'objectStore':
      return {
        isManaged: managed ?? true,
        systemManaged: false,
        isManagedData: managed ?? true,
        purposes: ['feature-tile', 'scene'],
        connectionString: toConnectionText(connection),
        objectStore,
        encryptionInfo: ['info.connectionString'],
      };
    case 'rasterStore':
    case 'bigDataFileShare':
      return {
        connectionString: toConnectionText(connection),
        connectionType: params.connectionType ?? connectionTypeOf(type, String(connection.path)),
      };
    default:
      return withConnectionText(connection);
  }
}

function connectionTypeOf(type: string, path: string): string {
  if (type === 'bigDataFileShare' && path.startsWith('/cloudStores/')) return 'cloudstore';
  return /^\/(cloudStores|enterpriseDatabases|nosqlDatabases)\//.test(path)
    ? 'dataStore'
    : 'fileShare';
}

function withConnectionText(info: Record<string, unknown>): Record<string, unknown> {
  const { connectionString } = info;
  if (connectionString === null || typeof connectionString !== 'object') return info;
  return { ...info, connectionString: JSON.stringify(connectionString) };
}
