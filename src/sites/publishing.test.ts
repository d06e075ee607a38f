import { expect } from 'vitest';
import { test } from '../../test/support/lent-site.ts';
import type { Answer, Script } from '../../test/support/scripted-site.ts';
import {
  cancelSiteJob,
  findSiteJobsOfItem,
  listOutstandingSiteJobs,
  listSiteJobsAtWork,
  readSiteJob,
  submitPublishing,
} from './publishing.ts';

const root = '/arcgis/rest/services/System/PublishingTools/GPServer/Publish%20Service%20Definition';
const query = '/arcgis/admin/services/System/PublishingTools.GPServer/jobs/query';
const queryEx = '/arcgis/admin/services/System/PublishingToolsEx.GPServer/jobs/query';
const ref = { siteJobId: 'j1', tools: 'PublishingTools' } as const;
const absent: Answer = {
  body: { status: 'error', messages: ['Could not find resource or operation'], code: 404 },
};
const none: Answer = { body: { results: {}, nextStart: -1 } };

/** Inputs and state of each site job, by its id. */
function jobs(itemIds: Record<string, string>, path = root): Script {
  return Object.fromEntries(
    Object.entries(itemIds).flatMap(([jobId, value]) => [
      [
        `${path}/jobs/${jobId}/inputs/in_sdp_id`,
        () => ({ body: { paramName: 'in_sdp_id', dataType: 'GPString', value } }),
      ],
      [`${path}/jobs/${jobId}`, () => ({ body: { jobId, jobStatus: 'esriJobExecuting' } })],
    ]),
  );
}

test('submits an upload with the whole configuration as text', async ({ lend }) => {
  const { site, wire } = await lend({
    script: {
      [`${root}/submitJob`]: () => ({ body: { jobId: 'j1', jobStatus: 'esriJobSubmitted' } }),
    },
  });
  const serviceConfiguration = { folderName: 'Transport', service: { serviceName: 'Roads' } };

  const job = await submitPublishing(
    site,
    { name: 'PublishingTools' },
    { itemId: 'i1', serviceConfiguration },
  );

  expect(job).toEqual({
    siteJobId: 'j1',
    tools: 'PublishingTools',
    status: 'esriJobSubmitted',
    isFinal: false,
    isSucceeded: false,
    messages: [],
  });
  const [heard] = wire.heardOf(`${root}/submitJob`);
  expect(heard?.params.in_sdp_id).toBe('i1');
  expect(JSON.parse(heard?.params.in_config_overwrite ?? '')).toEqual(serviceConfiguration);
});

test('leaves the configuration out when there is none', async ({ lend }) => {
  const { site, wire } = await lend({
    script: {
      [`${root}/submitJob`]: () => ({ body: { jobId: 'j1', jobStatus: 'esriJobSubmitted' } }),
    },
  });

  await submitPublishing(site, 'PublishingTools', { itemId: 'i1' });

  expect(wire.heardOf(`${root}/submitJob`)[0]?.params).not.toHaveProperty('in_config_overwrite');
});

test('an answer without a job leaves open whether the site publishes', async ({ lend }) => {
  const { site } = await lend({
    script: { [`${root}/submitJob`]: () => ({ body: { jobStatus: 'esriJobSubmitted' } }) },
  });

  await expect(submitPublishing(site, 'PublishingTools', { itemId: 'i1' })).rejects.toMatchObject({
    again: 'look',
  });
});

test.for([
  ['esriJobNew', false, false],
  ['esriJobSubmitted', false, false],
  ['esriJobWaiting', false, false],
  ['esriJobExecuting', false, false],
  ['esriJobCancelling', false, false],
  ['esriJobDeleting', false, false],
  ['esriJobInventedLater', false, false],
  ['esriJobSucceeded', true, true],
  ['esriJobFailed', true, false],
  ['esriJobTimedOut', true, false],
  ['esriJobCancelled', true, false],
  ['esriJobDeleted', true, false],
] as const)('%s: final %s, succeeded %s', async ([jobStatus, isFinal, isSucceeded], { lend }) => {
  const { site } = await lend({
    script: { [`${root}/jobs/j1`]: () => ({ body: { jobId: 'j1', jobStatus } }) },
  });

  await expect(readSiteJob(site, ref)).resolves.toMatchObject({
    status: jobStatus,
    isFinal,
    isSucceeded,
  });
});

test('reads messages and progress, without secrets', async ({ lend }) => {
  const { site } = await lend({
    script: {
      [`${root}/jobs/j1`]: () => ({
        body: {
          jobId: 'j1',
          jobStatus: 'esriJobFailed',
          progress: { type: 'step', message: 'Copying', percent: '40' },
          messages: [
            { type: 'esriJobMessageTypeInformative', description: 'Submitted.' },
            { type: 'esriJobMessageTypeError', description: 'ERROR 001487: PASSWORD=geheim;' },
            { type: 'esriJobMessageTypeProcessStop', description: null },
          ],
        },
      }),
    },
  });

  await expect(readSiteJob(site, ref)).resolves.toMatchObject({
    progressPercent: 40,
    progressMessage: 'Copying',
    messages: [
      { type: 'informative', text: 'Submitted.' },
      { type: 'error', text: 'ERROR 001487: PASSWORD=***;' },
      { type: 'other', text: '' },
    ],
  });
});

test.for([
  [{ error: { code: 404, message: 'Not here' } }, true],
  [{ error: { code: 400, message: "Job 'j1' does not exist." } }, true],
  [{ error: { code: 404, message: 'Service System/PublishingTools/GPServer not found ' } }, false],
  [
    { error: { code: 500, message: 'Service System/PublishingTools/GPServer not started ' } },
    false,
  ],
  [{ error: { code: 500, message: 'Something else' } }, false],
] as const)('%j: forgotten %s', async ([body, isForgotten], { lend }) => {
  const { site } = await lend({
    script: { [`${root}/jobs/j1`]: () => ({ body }), [`${root}/jobs/j1/cancel`]: () => ({ body }) },
  });

  for (const asking of [readSiteJob(site, ref), cancelSiteJob(site, ref)]) {
    if (isForgotten) {
      await expect(asking).resolves.toMatchObject({
        isForgotten,
        isFinal: true,
        isSucceeded: false,
      });
    } else {
      await expect(asking).rejects.toMatchObject({ code: 'site_error' });
    }
  }
});

test('finds the jobs of an upload on all pages of both tools', async ({ lend }) => {
  const rootEx = root.replace('PublishingTools', 'PublishingToolsEx');
  const { site, wire } = await lend({
    script: {
      [query]: ({ params }) =>
        params.start === '1'
          ? { body: { results: { j1: {}, j2: {} }, nextStart: 3 } }
          : { body: { results: { j3: {} }, nextStart: -1 } },
      [queryEx]: () => ({ body: { results: { j4: {}, foreign: {} }, nextStart: '-1' } }),
      ...jobs({ j1: 'other', j2: 'other', j3: 'ours' }),
      ...jobs({ j4: 'ours' }, rootEx),
    },
  });

  await expect(findSiteJobsOfItem(site, 'ours')).resolves.toMatchObject({
    kind: 'found',
    siteJobs: [
      { siteJobId: 'j3', tools: 'PublishingTools', status: 'esriJobExecuting' },
      { siteJobId: 'j4', tools: 'PublishingToolsEx' },
    ],
  });
  expect(wire.heardOf(query)).toHaveLength(2);
});

test('a site job whose upload is known is not asked what it was given; what is learned is kept', async ({
  lend,
}) => {
  const { site, wire } = await lend({
    script: {
      [query]: () => ({ body: { results: { j1: {}, j2: {}, j3: {}, j4: {} } } }),
      [queryEx]: () => absent,
      ...jobs({ j1: 'asked in vain', j2: 'ours', j3: 'other' }),
    },
  });
  const kept = new Map([
    ['j1', 'other'],
    ['j2', 'ours'],
  ]);
  const known = {
    find: async (name: string, ids: string[]) => {
      expect([name, ids]).toEqual([site.name, ['j1', 'j2', 'j3', 'j4']]);
      return kept;
    },
    keep: async (_: string, items: ReadonlyMap<string, string>) => {
      for (const [siteJobId, itemId] of items) kept.set(siteJobId, itemId);
    },
  };

  await expect(findSiteJobsOfItem(site, 'ours', { known })).resolves.toMatchObject({
    kind: 'found',
    siteJobs: [{ siteJobId: 'j2' }],
  });
  const asked = ['j1', 'j2', 'j3'].map((id) => wire.heardOf(`${root}/jobs/${id}/inputs/in_sdp_id`));
  expect(asked.map(({ length }) => length)).toEqual([0, 0, 1]);
  expect([...kept]).toEqual(Object.entries({ j1: 'other', j2: 'ours', j3: 'other' }));
});

test('a site that lists many thousands of jobs is read to the end', async ({ lend }) => {
  const pages = 120;
  const { site, wire } = await lend({
    script: {
      [query]: ({ params }) => {
        const start = Number(params.start);
        const isLast = start > (pages - 1) * 100;
        return { body: { results: { [`j${start}`]: {} }, nextStart: isLast ? -1 : start + 100 } };
      },
      [queryEx]: () => absent,
      ...jobs({ [`j${(pages - 1) * 100 + 1}`]: 'ours' }),
    },
  });
  const known = {
    find: async (_: string, ids: string[]) =>
      new Map(ids.filter((id) => id !== 'j11901').map((id) => [id, 'other'])),
    keep: async () => {},
  };
  await expect(findSiteJobsOfItem(site, 'ours', { known })).resolves.toMatchObject({
    siteJobs: [{ siteJobId: 'j11901' }],
  });
  expect(wire.heardOf(query)).toHaveLength(pages);
});

test('says none only when all lists could be read', async ({ lend }) => {
  const { site } = await lend({
    script: {
      [query]: () => ({ body: { results: { j1: {} } } }),
      [queryEx]: () => absent,
      ...jobs({ j1: 'other' }),
    },
  });

  await expect(findSiteJobsOfItem(site, { itemId: 'ours' })).resolves.toEqual({ kind: 'none' });
});

test.for([
  { [query]: { status: 'error', messages: ['Not you.'], code: 403 }, [queryEx]: none.body },
  { [query]: none.body, [queryEx]: { status: 'error', messages: ['Not you.'], code: 403 } },
  { [query]: { status: 'error', messages: ['Not you.'], code: 404 }, [queryEx]: none.body },
])('says refused when a list may not be read %#', async (bodies, { lend }) => {
  const script = Object.entries(bodies).map(([path, body]) => [path, () => ({ body })]);
  const { site } = await lend({ script: Object.fromEntries(script) });

  await expect(findSiteJobsOfItem(site, 'ours')).resolves.toEqual({
    kind: 'refused',
    siteMessages: ['Not you.'],
  });
});

test('does not take a site out of reach for a refusal', async ({ lend }) => {
  const { site } = await lend({ script: { [query]: () => ({ status: 503, body: 'away' }) } });

  await expect(findSiteJobsOfItem(site, 'ours')).rejects.toMatchObject({ again: 'now' });
});

test('lists the jobs of anybody that have not ended', async ({ lend }) => {
  const results = {
    j1: { status: 'esriJobExecuting', userName: 'ann', submitTime: 1_766_000_000_000 },
    j2: { jobStatus: 'esriJobSucceeded' },
    j3: { jobStatus: 'esriJobWaiting' },
  };
  const { site } = await lend({
    script: { [query]: () => ({ body: { results, nextStart: -1 } }), [queryEx]: () => absent },
  });

  await expect(listOutstandingSiteJobs(site)).resolves.toMatchObject([
    { siteJobId: 'j1', username: 'ann', submittedAtMs: 1_766_000_000_000 },
    { siteJobId: 'j3', status: 'esriJobWaiting' },
  ]);
});

test('a site job is not asked for again at once when the line was cut', async ({ lend }) => {
  const askedMs: number[] = [];
  const { site } = await lend({
    script: {
      [`${root}/jobs/j1`]: (_, times) => {
        askedMs.push(Date.now());
        return times === 1 ? 'cut' : { body: { jobId: 'j1', jobStatus: 'esriJobExecuting' } };
      },
    },
  });
  expect(await readSiteJob(site, ref)).toMatchObject({ status: 'esriJobExecuting' });
  const [first = 0, second = 0] = askedMs;
  expect(second - first).toBeGreaterThanOrEqual(490);
});

test('a site that passes over the status tells of each job once', async ({ lend }) => {
  const results = { j1: { status: 'esriJobExecuting' }, j2: { status: 'esriJobSucceeded' } };
  const { site, wire } = await lend({
    script: { [query]: () => ({ body: { results, nextStart: -1 } }), [queryEx]: () => absent },
  });
  expect(await listSiteJobsAtWork(site)).toMatchObject([{ siteJobId: 'j1' }]);
  expect(wire.heardOf(query)).toHaveLength(1);
});
