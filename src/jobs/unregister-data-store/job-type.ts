import { reportDataStoreFailure } from '../data-store-failure.ts';
import { lockOfItem } from '../data-store-item.ts';
import { siteNamesOf } from '../data-store-selection.ts';
import { defineJobType } from '../job-type.ts';
import { unregisterDataStore } from './handler.ts';
import { UnregisterDataStoreParams, UnregisterDataStoreResult } from './schema.ts';

export const unregisterDataStoreJob = defineJobType({
  name: 'unregister-data-store',
  title: 'Unregister data stores',
  summary: 'Unregisters data stores that no service uses, or any with force',
  params: UnregisterDataStoreParams,
  result: UnregisterDataStoreResult,
  example: { site: 'demo', items: ['/fileShares/roads'] },
  queue: 'either',
  steps: ['find', 'unregister'],
  scopes: () => ['datastores:register'],
  accept: ({ items = [], ...params }) => ({
    locks: siteNamesOf(params).flatMap((site) => items.map((path) => lockOfItem(site, path))),
    warnings: [],
  }),
  handler: unregisterDataStore,
  failure: ({ site, items }) =>
    reportDataStoreFailure({
      site,
      path: items?.length === 1 ? items[0] : undefined,
      judgesIn: 'find',
    }),
});
