import { expect, test } from 'vitest';
import { toSiteOperation } from './site-operation.ts';

const root = 'https://gis.example.org:6443/arcgis';

test.for([
  [`${root}/admin/generateToken`, 'admin/generateToken'],
  [`${root}/admin/uploads/i8f3/delete`, 'admin/uploads/{}/delete'],
  [`${root}/admin/services/Roads.MapServer/status?f=json`, 'admin/services/{}/status'],
  [`${root}/admin/services/Transport/Roads.MapServer/status`, 'admin/services/{}/status'],
  [
    `${root}/rest/services/System/PublishingTools/GPServer/Publish%20Service%20Definition/jobs/j1/cancel`,
    'rest/services/System/PublishingTools/GPServer/{}/jobs/{}/cancel',
  ],
  [`${root}/rest/services/Roads/MapServer/0/query`, 'rest/services/{}/MapServer/{}/query'],
  [`${root}/tokens/generateToken`, 'tokens/generateToken'],
  ['https://portal.example.org/portal/sharing/rest/portals/self', 'sharing/rest/portals/self'],
  ['https://gis.example.org/somewhere/else', 'other'],
  ['no address', 'other'],
] as const)('%s is %s', ([url, operation]) => {
  expect(toSiteOperation(url)).toBe(operation);
});
