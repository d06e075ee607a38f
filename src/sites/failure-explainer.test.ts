import { expect, test } from 'vitest';
import type { ErrorCode } from '../lib/errors.ts';
import { explainFailure, type FailureEvidence, rowNumbers } from './failure-explainer.ts';

type Evidence = Partial<FailureEvidence>;
type Definition = NonNullable<FailureEvidence['definition']>;

function evidenceOf(evidence: Evidence): FailureEvidence {
  return { site: 'production', step: 'await', messages: [], logLines: [], ...evidence };
}

function errorOf(code: ErrorCode, more: Partial<NonNullable<FailureEvidence['error']>> = {}) {
  return { error: { code, message: 'The request failed.', ...more } };
}

const refusal = (siteCode: number, ...siteMessages: string[]) =>
  errorOf('site_error', { siteCode, siteMessages, httpStatus: 200 });

function jobSaying(...texts: string[]): Evidence {
  return {
    jobStatus: 'esriJobFailed',
    siteJobId: 'j0f8a7c6b',
    service: 'Transport/Roads.MapServer',
    messages: [
      { type: 'informative', text: 'Executing...' },
      ...texts.map((text) => ({ type: 'error', text })),
    ],
  };
}

function definitionOf(definition: Partial<Definition>): { definition: Definition } {
  return {
    definition: {
      type: 'MapServer',
      runtime: 'ArcGIS Pro',
      isHosted: false,
      publishType: 'New',
      sizeBytes: 3_000_000,
      datasets: [],
      connections: [],
      copiedDatasets: [],
      extensions: [],
      ...definition,
    },
  };
}

const notCreated = 'ERROR 001369: Failed to create the service.';
const notUpdated =
  "ERROR 001487: Failed to update the published service with the server-side data location. Please see the server's log for more details.";
const tail = 'Failed to execute (Publish Service Definition).';
const stopped = {
  liveService: { isListed: true, configuredState: 'STARTED', realTimeState: 'STOPPED' },
};
const running = {
  liveService: { isListed: true, configuredState: 'STARTED', realTimeState: 'STARTED' },
};
const page = { answerExcerpt: '<html><body>Request Entity Too Large</body></html>' };
const arcMap = definitionOf({ runtime: 'ArcMap' });
const copied = definitionOf({ copiedDatasets: ['roads'] });

const lacking = (facts: Record<string, unknown>) => errorOf('verification_failed', { facts });

/** For each row what it is for, and what looks like it and is something else (with the row of that). */
const cases: Record<number, { is: Evidence[]; isNot: [Evidence, number][] }> = {
  1: {
    is: [
      jobSaying(notUpdated, notCreated, tail),
      jobSaying('FEHLER 001487: Aktualisieren fehlgeschlagen.', 'FEHLER 001369: Fehler.'),
      jobSaying('错误 001487：无法更新。'),
      { step: 'check', ...errorOf('unregistered_data') },
    ],
    isNot: [
      [jobSaying(notCreated, notUpdated), 2],
      [jobSaying('1001487: rows were read'), 0],
      [{ ...jobSaying(), messages: [{ type: 'informative', text: notUpdated }] }, 0],
    ],
  },
  2: {
    is: [jobSaying(notCreated, tail)],
    isNot: [
      [jobSaying('ERROR 000732: Dataset does not exist.', notCreated), 0],
      [jobSaying('Failed to create the service.'), 0],
    ],
  },
  3: {
    is: [
      { step: 'folder', ...errorOf('site_busy') },
      jobSaying(
        'Another administrative operation is currently accessing the store. Please try again later.',
        notCreated,
      ),
    ],
    isNot: [
      [{ step: 'upload', ...errorOf('site_busy', { httpStatus: 429 }) }, 0],
      [jobSaying('The operation is busy.'), 0],
    ],
  },
  4: {
    is: [jobSaying('ERROR 999999: Something unexpected.', notCreated)],
    isNot: [[jobSaying(notCreated, 'ERROR 999999: Something unexpected.'), 2]],
  },
  5: {
    is: [
      { step: 'check', service: 'Roads.MapServer', ...errorOf('service_exists') },
      {
        ...jobSaying('Der Dienst ist vorhanden.'),
        ...definitionOf({ publishType: 'New' }),
        liveService: { isListed: true, wasReplaced: false },
      },
    ],
    isNot: [
      [{ step: 'folder', ...refusal(500, "The folder 'Transport' already exists.") }, 0],
      [
        {
          ...jobSaying(notCreated),
          ...definitionOf({ publishType: 'New' }),
          liveService: { isListed: true, wasReplaced: false },
        },
        2,
      ],
    ],
  },
  6: {
    is: [
      refusal(498, 'Token Expired.'),
      errorOf('site_error', { siteMessages: ['Invalid token.'] }),
    ],
    isNot: [[refusal(499, 'Token not found.'), 22]],
  },
  7: {
    is: [
      { step: 'check', ...errorOf('site_login_refused') },
      refusal(500, 'Failed to log in. Invalid username or password specified.'),
      refusal(400, 'Unable to generate token.', 'Invalid username or password.'),
    ],
    isNot: [
      [refusal(400, 'Unable to generate token.', 'Client ID is required for long expiration.'), 0],
    ],
  },
  8: {
    is: [
      { jobStatus: 'esriJobWaiting', otherJobs: 2, ...errorOf('deadline_exceeded') },
      { jobStatus: 'esriJobSubmitted' },
    ],
    isNot: [[{ jobStatus: 'esriJobExecuting', ...errorOf('deadline_exceeded') }, 9]],
  },
  9: {
    is: [
      { jobStatus: 'esriJobTimedOut', maxUsageTimeSeconds: 600, elapsedMs: 601_000 },
      { jobStatus: 'esriJobExecuting', ...errorOf('deadline_exceeded') },
    ],
    isNot: [
      [{ jobStatus: 'esriJobCancelled' }, 0],
      [{ step: 'upload', ...errorOf('deadline_exceeded') }, 0],
    ],
  },
  10: {
    is: [
      { step: 'upload', ...errorOf('site_error', { httpStatus: 413, facts: page }) },
      { step: 'upload', ...errorOf('site_timeout', { httpStatus: 504, facts: page }) },
      { step: 'upload', ...errorOf('site_timeout', { facts: { fault: 'cut: ECONNRESET' } }) },
    ],
    isNot: [
      [{ step: 'upload', ...refusal(500, 'The disk is full.') }, 0],
      [{ step: 'submit', ...errorOf('site_error', { httpStatus: 413, facts: page }) }, 0],
      [{ step: 'upload', ...errorOf('site_unreachable', { message: 'ECONNREFUSED' }) }, 0],
    ],
  },
  11: {
    is: [{ step: 'verify', jobStatus: 'esriJobSucceeded', liveService: { isListed: false } }],
    isNot: [
      [{ step: 'verify', jobStatus: 'esriJobSucceeded', ...stopped }, 12],
      [{ step: 'await', jobStatus: 'esriJobFailed', liveService: { isListed: false } }, 0],
    ],
  },
  12: {
    is: [
      { step: 'verify', jobStatus: 'esriJobSucceeded', ...stopped },
      { step: 'verify', ...refusal(500, 'Service Transport/Roads/MapServer not started ') },
    ],
    isNot: [
      [{ step: 'verify', jobStatus: 'esriJobSucceeded', ...running }, 0],
      [{ step: 'upload', ...stopped }, 0],
    ],
  },
  13: {
    is: [
      jobSaying('ERROR 001272: Analyzers met errors (codes = 3, 374).'),
      jobSaying(
        'ERROR 001272: Analyzers met errors ([{"code":"00003","message":"x","object":"Roads"},{"code":"00147","message":"y","object":"Net"}]).',
      ),
    ],
    isNot: [[jobSaying('ERROR 001273: Something else (codes = 3).'), 0]],
  },
  14: {
    is: [
      { step: 'check', ...copied, ...errorOf('copied_data_refused') },
      {
        step: 'stage',
        messages: [
          {
            type: 'warning',
            text: 'WARNING 002893: Warnings ([{"code":"24011","object":"Roads"}]).',
          },
        ],
      },
    ],
    isNot: [
      [{ messages: [{ type: 'warning', text: '24011 features were read' }] }, 0],
      [
        {
          ...jobSaying(notCreated),
          messages: [
            { type: 'warning', text: 'WARNING 002893: ([{"code":"24011"}]).' },
            { type: 'error', text: notCreated },
          ],
        },
        2,
      ],
    ],
  },
  15: {
    is: [
      errorOf('site_insufficient_privilege'),
      { step: 'submit', ...refusal(403, 'Nicht erlaubt.') },
      { ...jobSaying('Nein.'), ...errorOf('publishing_failed'), privilege: 'ACCESS' },
      {
        ...jobSaying('Nein.'),
        ...errorOf('publishing_failed'),
        ...definitionOf({ type: 'GPServer' }),
        privilege: 'PUBLISH',
      },
      {
        ...jobSaying('Nein.', notCreated),
        ...errorOf('publishing_failed'),
        ...definitionOf({ type: 'GPServer' }),
        privilege: 'PUBLISH',
      },
    ],
    isNot: [
      [{ step: 'submit', ...refusal(403, 'Upgrade in progress.') }, 17],
      [{ ...jobSaying('Nein.'), ...errorOf('publishing_failed'), privilege: 'PUBLISH' }, 0],
      [
        {
          ...jobSaying(notCreated),
          ...errorOf('publishing_failed'),
          ...definitionOf({ type: 'GPServer' }),
          ...stopped,
          privilege: 'PUBLISH',
        },
        2,
      ],
      [{ step: 'check', ...errorOf('site_error', { httpStatus: 403, facts: page }) }, 39],
    ],
  },
  16: {
    is: [
      { step: 'submit', ...errorOf('site_read_only') },
      { step: 'folder', siteMode: 'READ_ONLY', ...refusal(500, 'No.') },
    ],
    isNot: [
      [{ step: 'folder', siteMode: 'EDITABLE', ...refusal(500, 'No.') }, 0],
      [{ ...jobSaying(notUpdated), siteMode: 'READ_ONLY' }, 1],
    ],
  },
  17: {
    is: [errorOf('site_upgrading'), refusal(403, 'Upgrade in progress.')],
    isNot: [[refusal(403, 'You do not have permissions to access this resource.'), 15]],
  },
  18: {
    is: [
      { step: 'check', ...arcMap, version: '11.1', ...errorOf('incompatible_runtime') },
      { ...jobSaying(notCreated), ...arcMap, version: '11.1' },
      { ...jobSaying(notCreated), ...arcMap, version: '10.91' },
      { step: 'verify', ...stopped, ...arcMap, version: '11.0' },
    ],
    isNot: [
      [{ ...jobSaying(notCreated), ...arcMap, version: '10.8.1' }, 2],
      [{ ...jobSaying(notCreated), ...arcMap, version: '10.81' }, 2],
      [{ ...jobSaying(notCreated), ...arcMap }, 2],
      [{ ...jobSaying(notCreated), ...definitionOf({}), version: '11.1' }, 2],
    ],
  },
  19: {
    is: [
      jobSaying('ERROR 001272: Errors ([{"code":"396","object":"Roads"}]).'),
      { step: 'check', ...definitionOf({}), ...errorOf('incompatible_runtime') },
    ],
    isNot: [[jobSaying('ERROR 001272: Errors (codes = 396, 3).'), 13]],
  },
  20: {
    is: [
      { step: 'check', ...errorOf('hosted_definition') },
      { ...jobSaying(notCreated), ...definitionOf({ isHosted: true }) },
    ],
    isNot: [
      [{ ...jobSaying(notUpdated), ...definitionOf({ isHosted: true }) }, 1],
      [{ ...jobSaying(notCreated), ...definitionOf({ isHosted: false }) }, 2],
    ],
  },
  21: {
    is: [
      { step: 'configure', ...refusal(404, 'Nicht gefunden.') },
      { step: 'verify', ...refusal(500, 'Service Transport/Roads/MapServer not found ') },
      errorOf('site_error', {
        siteMessages: ["Could not find resource or operation 'Roads.MapServer' on the system."],
      }),
    ],
    isNot: [[{ step: 'configure', ...errorOf('site_error', { httpStatus: 404 }) }, 0]],
  },
  22: {
    is: [refusal(499, 'Token Required')],
    isNot: [
      [{ redirectTo: 'https://gis.example.org/server', ...refusal(499, 'Token Required') }, 40],
    ],
  },
  23: {
    is: [refusal(400, 'ClientID does not match')],
    isNot: [[refusal(400, 'Client ID is required for long expiration tokens'), 0]],
  },
  24: {
    is: [
      { step: 'check', ...copied, blockDataCopy: true, ...errorOf('copied_data_refused') },
      { ...jobSaying(notCreated), ...copied, blockDataCopy: true },
    ],
    isNot: [
      [{ ...jobSaying(notCreated), ...copied, blockDataCopy: false }, 2],
      [{ ...jobSaying(notCreated), ...definitionOf({}), blockDataCopy: true }, 2],
      [{ ...jobSaying(notUpdated), ...copied, blockDataCopy: true }, 1],
    ],
  },
  25: {
    is: [
      jobSaying('ERROR 001272: Analyzer errors (codes = 147, 147, 147, 147).'),
      refusal(500, 'Failed to create the site. The machine does not have a valid license.'),
    ],
    isNot: [
      [jobSaying('ERROR 001272: Analyzer errors (codes = 147, 3).'), 13],
      [
        {
          ...jobSaying(notCreated),
          logLines: [lineOf('Transport/Roads.MapServer', 'Network Analyst could not be loaded.')],
        },
        2,
      ],
    ],
  },
  26: {
    is: [jobSaying('ERROR 001270: Consolidating failed.'), jobSaying('ERROR 001269: Packing.')],
    isNot: [[jobSaying('ERROR 001268: Something else.'), 0]],
  },
  27: {
    is: [jobSaying('ERROR 001364: Not intact.', notCreated)],
    isNot: [[{ ...jobSaying(notCreated), uploadDigestMatches: false }, 2]],
  },
  37: {
    is: [
      errorOf('site_error', { message: 'Not trusted (DEPTH_ZERO_SELF_SIGNED_CERT).' }),
      errorOf('site_error', { facts: { fault: 'certificate: CERT_HAS_EXPIRED' } }),
    ],
    isNot: [[errorOf('site_unreachable', { message: 'Not reached (ECONNREFUSED).' }), 0]],
  },
  38: {
    is: [errorOf('site_error', { httpStatus: 401, facts: page })],
    isNot: [[refusal(401, 'No.'), 0]],
  },
  39: {
    is: [
      { step: 'check', ...errorOf('site_error', { httpStatus: 404, facts: page }) },
      { step: 'check', ...errorOf('site_error', { httpStatus: 200, facts: page }) },
    ],
    isNot: [
      [{ step: 'check', ...refusal(404, 'Could not find resource or operation') }, 21],
      [{ step: 'upload', ...errorOf('site_error', { httpStatus: 404, facts: page }) }, 10],
    ],
  },
  40: {
    is: [
      { redirectTo: 'https://gis.example.org/server' },
      errorOf('site_error', { facts: { redirectsTo: 'https://gis.example.org/server' } }),
    ],
    isNot: [[errorOf('site_error', { httpStatus: 302 }), 0]],
  },
  43: {
    is: [{ step: 'verify', ...running, ...refusal(400, 'Unable to complete operation.') }],
    isNot: [
      [{ step: 'verify', ...running, ...errorOf('verification_failed') }, 0],
      [{ step: 'verify', ...stopped, ...refusal(400, 'Unable to complete operation.') }, 12],
    ],
  },
  45: {
    is: [
      {
        step: 'upload',
        ...errorOf('site_error', { facts: { allowedExtensions: ['soe', 'csv'] } }),
      },
    ],
    isNot: [
      [
        {
          step: 'upload',
          ...errorOf('site_error', { facts: { allowedExtensions: ['soe', 'SD'] } }),
        },
        0,
      ],
    ],
  },
  46: {
    is: [
      { siteJobId: 'j0f8a7c6b', ...refusal(400, 'Unknown.') },
      { step: 'verify', siteJobId: 'j0f8a7c6b', ...errorOf('outcome_unknown') },
      { step: 'verify', ...errorOf('outcome_unknown') },
    ],
    isNot: [
      [{ siteJobId: 'j0f8a7c6b', jobStatus: 'esriJobExecuting', ...refusal(400, 'No.') }, 0],
      [refusal(404, 'Unknown.'), 21],
      [{ step: 'submit', ...errorOf('outcome_unknown') }, 0],
    ],
  },
  47: {
    is: [{ step: 'clean-up', ...refusal(404, 'Gone.') }],
    isNot: [[{ step: 'clean-up', ...refusal(500, 'The disk is full.') }, 0]],
  },
  48: {
    is: [
      { ...jobSaying('Nein.'), service: 'Transport/Main roads.MapServer' },
      { ...jobSaying(notCreated), service: `${'a'.repeat(121)}.MapServer` },
    ],
    isNot: [
      [{ ...jobSaying('Nein.'), service: 'Transport/Main_roads.MapServer' }, 0],
      [
        {
          ...jobSaying(notCreated),
          service: 'Main-roads.MapServer',
          liveService: { isListed: true },
        },
        2,
      ],
    ],
  },
  49: {
    is: [
      {
        step: 'folder',
        ...errorOf('site_error', { facts: { recentFailures: 4, withinMs: 90_000 } }),
      },
    ],
    isNot: [
      [{ step: 'folder', ...errorOf('site_error', { facts: { recentFailures: 2 } }) }, 0],
      [{ ...jobSaying(notUpdated), ...errorOf('site_error', { facts: { recentFailures: 9 } }) }, 1],
    ],
  },
  50: {
    is: [
      {
        ...jobSaying(notCreated),
        replaceMethod: 'manifest',
        liveService: { isListed: true, configuredState: 'STOPPED', wasReplaced: false },
      },
    ],
    isNot: [
      [
        {
          ...jobSaying(notCreated),
          replaceMethod: 'manifest',
          liveService: { isListed: true, configuredState: 'STOPPED', wasReplaced: true },
        },
        2,
      ],
    ],
  },
  51: {
    is: [
      { ...jobSaying(notCreated), hasNothingToReplace: true },
      { ...jobSaying('Der Dienst fehlt.'), hasNothingToReplace: true },
    ],
    isNot: [
      [{ ...jobSaying(notCreated), ...definitionOf({ publishType: 'Replacement' }) }, 2],
      [{ ...jobSaying(notUpdated, notCreated), hasNothingToReplace: true }, 1],
      [{ step: 'verify', ...stopped, hasNothingToReplace: true }, 12],
    ],
  },
  52: {
    is: [{ step: 'verify', ...running, ...lacking({ shown: 1, expected: 3, layers: ['Roads'] }) }],
    isNot: [
      [{ step: 'verify', ...running, ...lacking({ shown: 3, expected: 3 }) }, 0],
      [{ step: 'verify', ...running, ...lacking({}) }, 0],
      [{ step: 'verify', ...stopped, ...lacking({ shown: 1, expected: 3 }) }, 12],
    ],
  },
};

function lineOf(source: string, message: string, level = 'SEVERE', timeMs = 1_767_693_621_345) {
  return { timeMs, level, source, message, machine: 'GIS01.EXAMPLE.ORG' };
}

test('every row of the table has its cases', () => {
  const numbers = [...Array(27).keys()].map((index) => index + 1);
  const wanted = [...numbers, 37, 38, 39, 40, 43, 45, 46, 47, 48, 49, 50, 51, 52];

  expect([...rowNumbers].sort((a, b) => a - b)).toEqual(wanted);
  expect(Object.keys(cases).map(Number)).toEqual(wanted);
});

const positives = Object.entries(cases).flatMap(([row, { is }]) =>
  is.map((evidence, index) => [Number(row), index, evidence] as const),
);
test.each(positives)('row %i explains its case %i', (row, _index, evidence) => {
  const explanation = explainFailure(evidenceOf(evidence));

  expect(explanation.row).toBe(row);
  if (explanation.certainty === 'most often') expect(explanation.cause).toMatch(/most often/i);
  expect(JSON.stringify(explanation.seen)).not.toContain('undefined');
});

const nearMisses = Object.entries(cases).flatMap(([row, { isNot }]) =>
  isNot.map(([evidence, actual], index) => [Number(row), index, actual, evidence] as const),
);
test.each(nearMisses)(
  'row %i leaves its near miss %i to row %i',
  (row, _index, actual, evidence) => {
    expect(actual).not.toBe(row);
    expect(explainFailure(evidenceOf(evidence)).row).toBe(actual);
  },
);

test('what hinders every request wins over what follows from it', () => {
  const everything = {
    ...jobSaying(notUpdated, notCreated),
    ...errorOf('site_login_refused', { httpStatus: 401, siteCode: 498 }),
    siteMode: 'READ_ONLY',
  };

  expect(explainFailure(evidenceOf({ ...everything, redirectTo: 'https://x.example' })).row).toBe(
    40,
  );
  expect(explainFailure(evidenceOf(everything)).row).toBe(38);
  expect(explainFailure(evidenceOf({ ...everything, ...errorOf('site_login_refused') })).row).toBe(
    7,
  );
});

test('a log line counts as part of the chain only if it names our site job', () => {
  const said = (job: string) =>
    lineOf(
      'System/PublishingTools.GPServer',
      `Error executing tool. Job ID: ${job} : ${notUpdated}`,
    );
  const failed = { jobStatus: 'esriJobFailed', siteJobId: 'j0f8a7c6b' };

  expect(explainFailure(evidenceOf({ ...failed, logLines: [said('j0f8a7c6b')] })).row).toBe(1);
  expect(explainFailure(evidenceOf({ ...failed, logLines: [said('j9999')] })).row).toBe(0);
});
