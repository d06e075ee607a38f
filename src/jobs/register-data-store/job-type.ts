import { checkSecretNames } from '../data-store-connection.ts';
import { reportDataStoreFailure } from '../data-store-failure.ts';
import { lockOfItem } from '../data-store-item.ts';
import { registrationSteps } from '../data-store-registration.ts';
import { defineJobType } from '../job-type.ts';
import { pathOfStore, registerDataStore } from './handler.ts';
import { RegisterDataStoreParams, RegisterDataStoreResult } from './schema.ts';

export const registerDataStoreJob = defineJobType({
  name: 'register-data-store',
  title: 'Register a data store',
  summary: 'Registers a cloud, object, raster or big data store, or any other item, with a site',
  params: RegisterDataStoreParams,
  result: RegisterDataStoreResult,
  example: {
    site: 'demo',
    name: 'imagery',
    type: 'cloudStore',
    provider: 'amazon',
    objectStore: 'gis-imagery/2026',
    connection: {
      credentialType: 'accessKey',
      accessKeyId: 'AKIAEXAMPLE',
      secretFrom: 'imagery-key',
      region: 'eu-west-1',
    },
  },
  secretInputs: ['connection'],
  queue: 'site',
  steps: ['check', ...registrationSteps],
  scopes: () => ['datastores:register'],
  accept: (params, { secretNames }) => {
    const { secretFrom } = params.connection as { secretFrom?: string };
    checkSecretNames({ 'connection/secretFrom': secretFrom }, secretNames);
    return { locks: [lockOfItem(params.site, pathOfStore(params))], warnings: [] };
  },
  handler: registerDataStore,
  failure: (params) => reportDataStoreFailure({ site: params.site, path: pathOfStore(params) }),
});
