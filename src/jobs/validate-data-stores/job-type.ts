import { reportDataStoreFailure } from '../data-store-failure.ts';
import { defineJobType } from '../job-type.ts';
import { validateDataStores } from './handler.ts';
import { ValidateDataStoresParams, ValidateDataStoresResult } from './schema.ts';

export const validateDataStoresJob = defineJobType({
  name: 'validate-data-stores',
  title: 'Validate data stores',
  summary: 'Has sites validate one, several or all of their registered data stores',
  params: ValidateDataStoresParams,
  result: ValidateDataStoresResult,
  example: { site: 'demo', items: ['/fileShares/roads', '/enterpriseDatabases/gisdb'] },
  queue: 'either',
  steps: ['validate'],
  scopes: () => ['datastores:register'],
  handler: validateDataStores,
  failure: ({ site }) => reportDataStoreFailure({ site }),
});
