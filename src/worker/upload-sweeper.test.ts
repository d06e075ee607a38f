import { expect } from 'vitest';
import { test } from '../../test/support/lent-site.ts';
import type { Script } from '../../test/support/scripted-site.ts';
import { parseJobRecord } from '../jobs/job-record.ts';
import { sweepUploads } from './upload-sweeper.ts';

const jobId = '01a22174-4aaf-75c9-84cf-edd3a56d33bc';
const tools =
  '/arcgis/rest/services/System/PublishingTools/GPServer/Publish%20Service%20Definition';
const query = '/arcgis/admin/services/System/PublishingTools.GPServer/jobs/query';
const queryEx = '/arcgis/admin/services/System/PublishingToolsEx.GPServer/jobs/query';
const refused = { body: { status: 'error', messages: ['The item is in use.'], code: 500 } };
const absent = { body: { status: 'error', messages: ['Not found'], code: 404 } };

const ended = parseJobRecord({
  jobId,
  processID: 'publish-service-definition',
  owner: 'ann',
  status: 'failed',
  queue: 'site-demo',
  priority: '1',
  seq: '1',
  rev: '1',
  attempt: '1',
  createdMs: '1',
  updatedMs: '1',
  deadlineMs: '2',
  progress: '0',
  params: '{}',
  labels: '[]',
  locks: '[]',
  uploads: '[]',
  undo: 'done',
});
const records = { findMany: async () => [ended] };

function uploads(itemIds: string[], more: Script = {}): Script {
  const items = itemIds.map((itemID) => ({ itemID, description: `pressroom:${jobId}:before` }));
  return {
    '/arcgis/admin/uploads': () => ({ body: { items } }),
    [query]: () => ({ body: { results: {}, nextStart: -1 } }),
    [queryEx]: () => absent,
    ...Object.fromEntries(
      itemIds.map((id) => [
        `/arcgis/admin/uploads/${id}/delete`,
        () => ({ body: { status: 'success' } }),
      ]),
    ),
    ...more,
  };
}

test('an item that cannot be removed keeps no other one there', async ({ lend }) => {
  const script = uploads(['stays', 'goes'], {
    '/arcgis/admin/uploads/stays/delete': () => refused,
  });
  const { site } = await lend({ script });
  expect(await sweepUploads(site, { records })).toEqual(['goes']);
});

test('an item that a site job still works on is left', async ({ lend }) => {
  const { site } = await lend({
    script: uploads(['used'], {
      [query]: () => ({ body: { results: { j1: { status: 'esriJobExecuting' } }, nextStart: -1 } }),
      [`${tools}/jobs/j1/inputs/in_sdp_id`]: () => ({ body: { value: 'used' } }),
      [`${tools}/jobs/j1`]: () => ({ body: { jobId: 'j1', jobStatus: 'esriJobExecuting' } }),
    }),
  });
  expect(await sweepUploads(site, { records })).toEqual([]);
});
