import { checkSecretNames } from '../data-store-connection.ts';
import { connectionFileSteps } from '../data-store-connection-file.ts';
import { reportDataStoreFailure } from '../data-store-failure.ts';
import { lockOfItem } from '../data-store-item.ts';
import { registrationSteps } from '../data-store-registration.ts';
import { defineJobType } from '../job-type.ts';
import { checkConnectionFiles } from './check-connection-files.ts';
import { registerDatabase } from './handler.ts';
import { RegisterDatabaseParams, RegisterDatabaseResult } from './schema.ts';

export const registerDatabaseJob = defineJobType({
  name: 'register-database',
  title: 'Register a database',
  summary:
    'Registers a database with a site, from a connection file, a connection string or its parts',
  params: RegisterDatabaseParams,
  result: RegisterDatabaseResult,
  example: {
    site: 'demo',
    name: 'gisdb',
    connection: {
      platform: 'postgresql',
      host: 'db1.example.org',
      database: 'gis',
      user: 'gisuser',
      passwordFrom: 'gisdb-password',
      version: 'sde.DEFAULT',
    },
  },
  fileInputs: ['connectionFile', 'clientConnectionFile'],
  secretFileInputs: ['connectionFile', 'clientConnectionFile'],
  secretInputs: [
    'connectionString',
    'clientConnectionString',
    'connection.password',
    'clientConnection.password',
  ],
  queue: 'site',
  steps: ['check', ...connectionFileSteps, ...registrationSteps],
  scopes: () => ['datastores:register'],
  accept: (
    { site, name, passwordFrom, connection, clientConnection },
    { secretNames, uploads },
  ) => {
    checkConnectionFiles(uploads);
    checkSecretNames(
      {
        passwordFrom,
        'connection/passwordFrom': connection?.passwordFrom,
        'clientConnection/passwordFrom': clientConnection?.passwordFrom,
      },
      secretNames,
    );
    return { locks: [lockOfItem(site, `/enterpriseDatabases/${name}`)], warnings: [] };
  },
  handler: registerDatabase,
  failure: ({ site, name }) =>
    reportDataStoreFailure({ site, path: `/enterpriseDatabases/${name}` }),
});
