import { reportDataStoreFailure } from '../data-store-failure.ts';
import { lockOfItem } from '../data-store-item.ts';
import { registrationSteps } from '../data-store-registration.ts';
import { defineJobType } from '../job-type.ts';
import { registerFolder } from './handler.ts';
import { RegisterFolderParams, RegisterFolderResult } from './schema.ts';

export const registerFolderJob = defineJobType({
  name: 'register-folder',
  title: 'Register a folder',
  summary: 'Registers a file share with a site, so that services may read data from it',
  params: RegisterFolderParams,
  result: RegisterFolderResult,
  example: { site: 'demo', name: 'roads', path: '\\\\files.example.org\\gis\\roads' },
  queue: 'site',
  steps: ['check', ...registrationSteps],
  scopes: () => ['datastores:register'],
  accept: ({ site, name }) => ({
    locks: [lockOfItem(site, `/fileShares/${name}`)],
    warnings: [],
  }),
  handler: registerFolder,
  failure: ({ site, name }) => reportDataStoreFailure({ site, path: `/fileShares/${name}` }),
});
