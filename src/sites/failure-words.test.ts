import { expect, test } from 'vitest';
import type { ErrorCode } from '../lib/errors.ts';
import { explainFailure, type FailureEvidence } from './failure-explainer.ts';

type Evidence = Partial<FailureEvidence>;
type Definition = NonNullable<FailureEvidence['definition']>;

function evidenceOf(evidence: Evidence): FailureEvidence {
  return { site: 'production', step: 'await', messages: [], logLines: [], ...evidence };
}

function errorOf(code: ErrorCode, more: Partial<NonNullable<FailureEvidence['error']>> = {}) {
  return { error: { code, message: 'The request failed.', ...more } };
}

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
const page = { answerExcerpt: '<html><body>Request Entity Too Large</body></html>' };
function lineOf(source: string, message: string, level = 'SEVERE', timeMs = 1_767_693_621_345) {
  return { timeMs, level, source, message, machine: 'GIS01.EXAMPLE.ORG' };
}

test('names the data, the connection and the nearest item, without the password', () => {
  const explanation = explainFailure(
    evidenceOf({
      ...jobSaying(notUpdated, notCreated),
      ...definitionOf({ datasets: ['gis.roads'], connections: ['SERVER=db1;PASSWORD=canary7'] }),
      nearestItem: { path: '/enterpriseDatabases/main', differsIn: ['user', 'version'] },
    }),
  );

  expect(explanation.cause).toBe(
    'The site cannot reach the data that Transport/Roads.MapServer refers to: gis.roads through ' +
      'SERVER=db1;PASSWORD=***. Nearest registered item: /enterpriseDatabases/main, which differs in user, version.',
  );
  expect(explanation.nextStep).toContain('/enterpriseDatabases/main');
  expect(explanation).toMatchObject({ certainty: 'documented', again: 'never' });
});

test('brings the line of the service that did not start, not the one that says it again', () => {
  const evidence = evidenceOf({
    ...jobSaying(notCreated),
    logLines: [
      lineOf('System/PublishingTools.GPServer', 'Error executing tool.', 'SEVERE', 3),
      lineOf('Transport/Roads.MapServer', 'Start timed out.', 'WARNING', 2),
      lineOf('Rest', 'Something older.', 'WARNING', 1),
    ],
  });

  const { cause, again, seen } = explainFailure(evidence);

  expect(cause).toContain('Start timed out.');
  expect(again).toBe('now');
  expect(seen.join('\n')).toMatch(
    /first line: .*Something older[\s\S]*last line: .*Error executing/,
  );
  expect(seen[0]).toBe(
    'Site production, step await, machine GIS01.EXAMPLE.ORG, site job j0f8a7c6b, esriJobFailed',
  );
});

test('says why there is no log line', () => {
  const { cause, nextStep, seen } = explainFailure(
    evidenceOf({ ...jobSaying(notCreated), logsUnreadable: 'the role may not read it' }),
  );

  expect(cause).toContain('could not be read: the role may not read it');
  expect(nextStep).toContain('sites.production.auth');
  expect(seen).toContain('The server log could not be read: the role may not read it');
});

test('one line for each finding of the analyzers', () => {
  const { cause } = explainFailure(
    evidenceOf(
      jobSaying(
        'ERROR 001272: Errors ([{"code":"00003","object":"Roads"},{"code":"374","object":"Map"},{"code":"00085","message":"Renderer.","object":"Rail"}]).',
      ),
    ),
  );

  expect(cause).toBe(
    'The analyzers found errors: 00003 at Roads: the data source cannot be reached; repair the path or the rights. ' +
      '00374 at Map: unique numeric layer ids are not assigned; allow and assign them. ' +
      '00085 at Rail: Renderer. Nothing was sent to the site.',
  );
});

test('shows the words of the site for what is not recognised', () => {
  const explanation = explainFailure(
    evidenceOf(jobSaying('ERROR 000732: Roads does not exist.', 'See the server logs for more.')),
  );

  expect(explanation).toMatchObject({ row: 0, certainty: 'not recognised', again: 'look' });
  expect(explanation.cause).toBe(
    'Not recognised (error 000732). The site said: ERROR 000732: Roads does not exist.',
  );
});

test('whatever was seen together, every explanation can be read', () => {
  const random = randomOf(20_261_122);
  const rowsSeen = new Set<number>();
  for (let round = 0; round < 5_000; round++) {
    const explanation = explainFailure(randomEvidence(random));
    rowsSeen.add(explanation.row);
    expectReadable(explanation);
  }

  expect(rowsSeen.size).toBeGreaterThan(25);
});

/** The same numbers in every run, so that what was found once is found again (a linear congruential generator). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const secret = 'PASSWORD=canary7;TOKEN=canary8';
const pools = {
  step: ['check', 'upload', 'configure', 'folder', 'submit', 'await', 'verify', 'clean-up'],
  text: [
    notUpdated,
    notCreated,
    tail,
    'ERROR 999999: Odd.',
    'ERROR 001364: Damaged.',
    'ERROR 001270: Gathering failed.',
    `Anders. ${secret}`,
    'Please contact your ArcGIS administrator.',
    "See the server's log.",
    'https://me:canary9@db.example.org failed',
    '',
  ],
  code: ['site_error', 'site_timeout', 'publishing_failed', 'deadline_exceeded'] as ErrorCode[],
  rareCode: ['hosted_definition', 'incompatible_runtime', 'site_read_only'] as ErrorCode[],
  facts: [
    {},
    page,
    { recentFailures: 5, withinMs: 1000, machines: ['GIS02'] },
    { allowedExtensions: [], extension: 'zip', since: 'noon', wasTriedAlone: true },
    { fault: 'ECONNRESET', loginWasRenewed: false, freeBytes: 0, layers: ['Roads'], closest: 'B' },
  ],
  state: ['STARTED', 'STOPPED'],
};

function randomEvidence(random: () => number): FailureEvidence {
  const oneOf = <T>(pool: readonly T[]): T => pool[Math.floor(random() * pool.length)] as T;
  const maybe = <T extends object>(part: T): T | object => (random() < 0.5 ? part : {});
  const texts = Array.from({ length: Math.floor(random() * 3) }, () => oneOf(pools.text));
  return evidenceOf({
    step: oneOf(pools.step),
    messages: texts.map((text) => ({ type: oneOf(['error', 'warning', 'informative']), text })),
    ...maybe({
      logLines: texts.map((text, index) => lineOf('Roads.MapServer', text, 'SEVERE', index)),
    }),
    ...maybe({
      jobStatus: oneOf(['esriJobFailed', 'esriJobSucceeded', 'esriJobTimedOut', 'esriJobWaiting']),
    }),
    ...maybe({ siteJobId: 'j0f8a7c6b' }),
    ...maybe({ service: oneOf(['Roads.MapServer', 'A/Main roads.MapServer', '']) }),
    ...maybe({ account: 'publisher', privilege: oneOf(['PUBLISH', 'ACCESS']) }),
    ...maybe({ version: oneOf(['11.1', '10.9.1', '', 'new']) }),
    ...maybe({ siteMode: 'READ_ONLY' }),
    ...maybe({
      ...errorOf(random() < 0.8 ? oneOf(pools.code) : oneOf(pools.rareCode), {
        message: oneOf(pools.text),
        facts: oneOf(pools.facts),
        ...maybe({ siteMessages: texts }),
        ...maybe({ siteCode: oneOf([400, 403, 404, 498, 499, 500]) }),
        ...maybe({ httpStatus: oneOf([200, 401, 403, 413, 504]) }),
      }),
    }),
    ...maybe(
      definitionOf({
        type: oneOf(['MapServer', 'GPServer']),
        runtime: oneOf(['ArcMap', 'ArcGIS Pro', 'unknown']),
        isHosted: random() < 0.2,
        sizeBytes: Math.floor(random() * 1e12),
        connections: [secret],
        copiedDatasets: oneOf([[], ['roads', 'a', 'b', 'c', 'd', 'e']]),
      }),
    ),
    ...maybe({
      liveService: {
        isListed: random() < 0.7,
        ...maybe({ configuredState: oneOf(pools.state), realTimeState: oneOf(pools.state) }),
        ...maybe({ wasReplaced: random() < 0.5 }),
      },
    }),
    ...maybe({ nearestItem: { path: '/fileShares/a', differsIn: oneOf([[], ['user']]) } }),
    ...maybe({ elapsedMs: 61_000, maxUsageTimeSeconds: 600, otherJobs: 1 }),
    ...maybe({ replaceMethod: 'manifest', manifestWasRewritten: true }),
    ...maybe({ uploadDigestMatches: random() < 0.5 }),
    ...maybe({ blockDataCopy: true }),
    ...maybe({ logsUnreadable: `the role may not. ${secret}` }),
    ...(random() < 0.1 && { redirectTo: `https://x.example/?token=canary4` }),
    ...(random() < 0.1 && { certificate: { names: [] } }),
  });
}

/** What no explanation may show, whatever was seen. */
function expectReadable(explanation: ReturnType<typeof explainFailure>): void {
  const { cause, nextStep, seen, alternatives = [], certainty } = explanation;
  const shown = [cause, nextStep, ...seen, ...alternatives].join('\n');

  expect(shown).not.toMatch(/undefined|NaN|\[object|[{}]|canary/);
  expect(shown).not.toMatch(/see the server.?s? log|contact (?:your|the) \w*\s?administrator/i);
  expect(shown).not.toMatch(/ {2}|\.\.\.| \.|: \.|\(\)/);
  for (const text of [cause, nextStep, ...seen, ...alternatives])
    expect(text.length).toBeGreaterThan(9);
  if (certainty === 'most often') expect(cause).toMatch(/most often/i);
}
