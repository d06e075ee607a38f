import { checkSecretNames } from '../data-store-connection.ts';
import { reportDataStoreFailure } from '../data-store-failure.ts';
import { defineJobType } from '../job-type.ts';
import { rotateDataStorePassword } from './handler.ts';
import { RotateDataStorePasswordParams, RotateDataStorePasswordResult } from './schema.ts';

export const rotateDataStorePasswordJob = defineJobType({
  name: 'rotate-data-store-password',
  title: 'Rotate the password of data stores',
  summary:
    'Gives every registered database of a host and user its new password, on one or more sites',
  params: RotateDataStorePasswordParams,
  result: RotateDataStorePasswordResult,
  example: {
    sites: ['demo', 'test'],
    match: { host: 'db1.example.org', database: 'gis', user: 'gisuser' },
    passwordFrom: 'gisdb-password',
  },
  secretInputs: ['password'],
  queue: 'either',
  steps: ['find', 'change'],
  scopes: () => ['datastores:register'],
  accept: ({ passwordFrom }, { secretNames }) => {
    checkSecretNames({ passwordFrom }, secretNames);
    return { locks: [], warnings: [] }; // which items are concerned only the sites know
  },
  handler: rotateDataStorePassword,
  failure: ({ site }) => reportDataStoreFailure({ site, judgesIn: 'find' }),
});
