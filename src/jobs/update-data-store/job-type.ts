import { checkSecretNames } from '../data-store-connection.ts';
import { reportDataStoreFailure } from '../data-store-failure.ts';
import { lockOfItem } from '../data-store-item.ts';
import { registrationSteps } from '../data-store-registration.ts';
import { defineJobType } from '../job-type.ts';
import { updateDataStore } from './handler.ts';
import { UpdateDataStoreParams, UpdateDataStoreResult } from './schema.ts';

export const updateDataStoreJob = defineJobType({
  name: 'update-data-store',
  title: 'Update a data store',
  summary: 'Changes one registered data store, and puts it back when it does not validate',
  params: UpdateDataStoreParams,
  result: UpdateDataStoreResult,
  example: {
    site: 'demo',
    item: '/fileShares/roads',
    path: '\\\\newfiles.example.org\\gis\\roads',
  },
  secretInputs: [
    'password',
    'connectionString',
    'connection.password',
    'clientConnectionString',
    'clientConnection.password',
    'storeConnection',
  ],
  queue: 'site',
  steps: ['check', 'find', ...registrationSteps],
  scopes: () => ['datastores:register'],
  accept: ({ site, item, passwordFrom, connection, clientConnection, storeConnection }, facts) => {
    const { secretFrom } = (storeConnection ?? {}) as { secretFrom?: string };
    checkSecretNames(
      {
        passwordFrom,
        'connection/passwordFrom': connection?.passwordFrom,
        'clientConnection/passwordFrom': clientConnection?.passwordFrom,
        'storeConnection/secretFrom': secretFrom,
      },
      facts.secretNames,
    );
    return { locks: [lockOfItem(site, item)], warnings: [] };
  },
  handler: updateDataStore,
  failure: ({ site, item }) => reportDataStoreFailure({ site, path: item, judgesIn: 'find' }),
});
