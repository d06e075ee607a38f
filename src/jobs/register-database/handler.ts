import type { WholeDataStoreItem } from '../../sites/data-store-reader.ts';
import { checkSite } from '../data-store-check.ts';
import { toConnectionString } from '../data-store-connection.ts';
import { convertConnectionFile } from '../data-store-connection-file.ts';
import { carryOutRegistration } from '../data-store-registration.ts';
import type { JobContext } from '../job-type.ts';
import type { RegisterDatabaseParams, RegisterDatabaseResult } from './schema.ts';

export async function registerDatabase(
  params: RegisterDatabaseParams,
  context: JobContext,
): Promise<RegisterDatabaseResult> {
  const { sites, step, secrets, validations, warn } = context;
  const site = sites.get(params.site);
  await step(checkSite, { site });
  const server = params.connectionFile
    ? await convertConnectionFile({ site, link: params.connectionFile, side: 'server' }, context)
    : await toConnectionString(params, secrets);
  const client = params.clientConnectionFile
    ? await convertConnectionFile(
        { site, link: params.clientConnectionFile, side: 'client' },
        context,
      )
    : await toConnectionString(
        {
          connectionString: params.clientConnectionString,
          connection: params.clientConnection,
        },
        secrets,
      );
  const item = toDatabaseItem(params, server ?? '', client);
  const { ifExists } = params;
  return carryOutRegistration({ site, item, ifExists, secrets, validations, warn }, context);
}

/** @see Esri, "Data Item", enterprise database */
function toDatabaseItem(
  { name, managed }: RegisterDatabaseParams,
  connectionString: string,
  clientConnectionString: string | undefined,
): WholeDataStoreItem {
  const kind = clientConnectionString === undefined ? 'shared' : 'replicated';
  return {
    path: `/enterpriseDatabases/${name}`,
    type: 'egdb',
    clientPath: null,
    info: {
      connectionString,
      ...(clientConnectionString !== undefined && { clientConnectionString }),
      dataStoreConnectionType: managed ? 'serverOnly' : kind,
      isManaged: managed,
    },
  };
}
