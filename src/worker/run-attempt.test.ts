import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import { attemptOf } from '../../test/support/attempts.ts';
import {
  test as base,
  beginAgain,
  expectConsistent,
  found,
  type JobCore,
  readMessages,
  silent,
  submitted,
} from '../../test/support/job-core.ts';
import { sharedReader } from '../../test/support/shared-reader.ts';
import {
  defineJobType,
  type FailureReport,
  type JobContext,
  type JobType,
} from '../jobs/job-type.ts';
import { defineStep } from '../jobs/step.ts';
import { type Again, type ErrorCode, GatewayError } from '../lib/errors.ts';
import { toProblem } from '../lib/problem.ts';
import { Sealing } from '../lib/sealing.ts';
import { Timing } from '../lib/timing.ts';
import { openSites } from '../sites/sites.ts';
import { FolderStorage } from '../storage/folder-storage.ts';
import type { Attempt } from './attempt.ts';
import { type AttemptDeps, type AttemptOutcome, runAttempt } from './run-attempt.ts';

class Refused extends GatewayError {
  readonly code: ErrorCode = 'publishing_failed';
  override readonly again: Again;

  constructor(again: Again = 'never') {
    super(`refused: ${again}`);
    this.again = again;
  }
}

type Moment = `${'before' | 'act' | 'look' | 'undo'} ${string}`;
/** What happens at a moment of the recipe; nothing is said: it goes well. */
type Plot = Partial<Record<Moment, (attempt: Attempt, context: JobContext) => Promise<unknown>>>;

/** A worker's bench: one job of a recipe with three steps, and what was done, in order. */
type Bench = {
  jobId: string;
  did: string[];
  plot: Plot;
  /** Runs one attempt; a worker that dies leaves it without an outcome. */
  attempt: (options?: { failure?: FailureReport<unknown> }) => Promise<AttemptOutcome>;
};

const test = base.extend<{ deps: AttemptDeps; bench: Bench }>({
  deps: async ({ core }, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'run-attempt-'));
    const sites = openSites({}, { resolveSecret: async () => '', log: silent });
    const timing = Timing.parse({
      retryMinMs: 1,
      retryMaxMs: 2,
      retryForMs: 5_000,
      lookAgainMs: 100,
    });
    await use({
      ...core,
      sites,
      documents: sharedReader(),
      storage: new FolderStorage(folder),
      jobSecrets: {
        sealing: new Sealing([{ id: 'test', key: Buffer.alloc(32, 7) }]),
        readSecret: async (name) => `secret ${name}`,
      },
      timing,
      log: silent,
    });
    await sites.close();
    await rm(folder, { recursive: true, force: true });
  },
  bench: async ({ core, deps }, use) => {
    await use(await createBench(core, deps));
  },
});

async function createBench(core: JobCore, deps: AttemptDeps): Promise<Bench> {
  const jobId = await submitted(core, { processID: 'three', locks: ['roads'] });
  const bench: Bench = {
    jobId,
    did: [],
    plot: {},
    attempt: async ({ failure } = {}) => {
      const number = await beginAgain(core, jobId);
      const attempt = attemptOf(core, jobId, number);
      return runAttempt(
        deps,
        threeSteps(bench, attempt, failure),
        await found(core, jobId),
        attempt,
      );
    },
  };
  return bench;
}

const names = ['upload', 'submit', 'verify'];

function threeSteps(bench: Bench, attempt: Attempt, failure?: FailureReport<unknown>): JobType {
  const at = async (moment: Moment, context: JobContext) => {
    bench.did.push(moment);
    return bench.plot[moment]?.(attempt, context);
  };
  const stepOf = (name: string, context: JobContext) =>
    defineStep<undefined, string>({
      name,
      title: name,
      share: [0, 90],
      result: z.string(),
      look: async () => (await at(`look ${name}`, context)) as string | undefined,
      act: async () => String((await at(`act ${name}`, context)) ?? name),
      undo: async (_, result) => {
        await at(`undo ${name}`, context);
        return `${name} (${result})`;
      },
    });
  return defineJobType({
    ...{ name: 'three', title: 'Three', summary: '', example: {}, queue: 'here', steps: names },
    params: z.strictObject({}),
    result: z.object({ done: z.array(z.string()) }),
    scopes: () => [],
    handler: async (_, context) => {
      const done: string[] = [];
      for (const name of names) {
        await at(`before ${name}`, context);
        done.push(await context.step(stepOf(name, context), undefined));
      }
      return { done };
    },
    ...(failure && { failure: () => failure }),
  });
}

const refuse = (again?: Again) => () => Promise.reject(new Refused(again));
const onlySteps = (did: string[]) => did.filter((each) => !each.startsWith('before'));
/** A worker that dies writes nothing any more; its attempt stays open. */
class Died extends Error {}
const die = async (attempt: Attempt) => {
  attempt.stop('lost');
  throw new Died();
};

test('a job that goes well is successful, and frees what it held', async ({ core, bench }) => {
  await core.locks.take(bench.jobId);
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'successful',
    results: { done: names },
    progress: 100,
  });
  expect(await core.locks.readPlace('roads', bench.jobId)).toEqual({});
  expect(onlySteps(bench.did)).toEqual(['act upload', 'act submit', 'act verify']);
  await expectConsistent(core);
});

test('a job that fails is undone, last first, and says what and why', async ({ core, bench }) => {
  bench.plot['act verify'] = refuse();
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  const record = await found(core, bench.jobId);
  expect(record).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: {
      code: 'publishing_failed',
      detail: 'refused: never',
      putBack: ['verify (undefined)', 'submit (submit)', 'upload (upload)'],
      notPutBack: [],
    },
  });
  expect(onlySteps(bench.did).slice(3)).toEqual([
    'look verify',
    'undo verify',
    'undo submit',
    'undo upload',
  ]);
  expect(await readMessages(core, bench.jobId)).toContain('Put back: submit (submit)');
  await expectConsistent(core);
});

test('what could not be put back is said plainly', async ({ core, bench }) => {
  bench.plot['act verify'] = refuse();
  bench.plot['undo submit'] = refuse();
  await bench.attempt();
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'failed',
    undo: 'failed',
    message: 'Failed. Not everything could be put back: submit: refused: never',
    exception: {
      putBack: ['verify (undefined)', 'upload (upload)'],
      notPutBack: ['submit: refused: never'],
    },
  });
});

test('a fault of ours ends the job, is undone, and tells nothing of our insides', async ({
  core,
  bench,
}) => {
  bench.plot['act submit'] = async () => {
    throw new TypeError('secret insides');
  };
  bench.plot['undo upload'] = async () => {
    throw new TypeError('more insides');
  };
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  const record = await found(core, bench.jobId);
  expect(record).toMatchObject({
    status: 'failed',
    undo: 'failed',
    exception: { code: 'internal_error' },
  });
  expect(JSON.stringify(record)).not.toContain('insides');
});

test('after a death the next attempt looks first and goes on from there', async ({
  core,
  bench,
}) => {
  bench.plot['act submit'] = die;
  expect(await bench.attempt()).toEqual({ kind: 'lost' });
  bench.did.length = 0;
  bench.plot = { 'look submit': async () => 'adopted' };
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  expect(onlySteps(bench.did)).toEqual(['look submit', 'act verify']);
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'successful',
    attempt: 2,
    results: { done: ['upload', 'adopted', 'verify'] },
  });
});

test('a dismissal in the middle is undone', async ({ core, bench }) => {
  bench.plot['act submit'] = async (attempt) => {
    await core.records.dismiss(bench.jobId);
    attempt.stop('dismissed');
    attempt.checkpoint();
  };
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'dismissed',
    undo: 'done',
    message: 'Dismissed. Put back: submit (undefined); upload (upload)',
  });
  await expectConsistent(core);
});

test('a dismissal that nobody heard of is found at the end, and undone', async ({
  core,
  bench,
}) => {
  bench.plot['act verify'] = () => core.records.dismiss(bench.jobId).then(() => 'verified');
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  const record = await found(core, bench.jobId);
  expect(record).toMatchObject({ status: 'dismissed', undo: 'done' });
  expect(record.results).toBeUndefined();
  expect(onlySteps(bench.did).slice(3)).toEqual(['undo verify', 'undo submit', 'undo upload']);
});

test('a job dismissed after a death is undone as far as it had come', async ({ core, bench }) => {
  bench.plot['act submit'] = die;
  await bench.attempt();
  await core.records.dismiss(bench.jobId);
  bench.did.length = 0;
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  // What was begun without an answer is looked for twice.
  expect(onlySteps(bench.did)).toEqual([
    ...['look submit', 'look submit'],
    ...['undo submit', 'undo upload'],
  ]);
  expect(await found(core, bench.jobId)).toMatchObject({ status: 'dismissed', undo: 'done' });
});

test.for(['before upload', 'before submit', 'look submit'] as const)(
  'a job dismissed at "%s" of its second attempt is undone as far as the first had come',
  async (moment, { core, bench }) => {
    bench.plot['act submit'] = die;
    await bench.attempt();
    bench.did.length = 0;
    bench.plot = {
      [moment]: async (attempt: Attempt) => {
        if (bench.did.some((each) => each.startsWith('undo'))) return;
        if (bench.did.filter((each) => each === moment).length > 1) return;
        await core.records.dismiss(bench.jobId);
        attempt.stop('dismissed');
        if (moment === 'look submit') attempt.checkpoint();
      },
    };
    expect(await bench.attempt()).toEqual({ kind: 'ended' });
    expect(bench.did.filter((each) => each.startsWith('undo'))).toEqual([
      'undo submit',
      'undo upload',
    ]);
    expect(bench.did.filter((each) => each.startsWith('act'))).toEqual([]);
    expect(await found(core, bench.jobId)).toMatchObject({ status: 'dismissed', undo: 'done' });
  },
);

test('news of a dismissal that come late do not stop the undoing', async ({ core, bench }) => {
  bench.plot['act submit'] = die;
  await bench.attempt();
  await core.records.dismiss(bench.jobId);
  bench.plot = { 'before upload': async (attempt) => attempt.stop('dismissed') };
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  expect(await found(core, bench.jobId)).toMatchObject({ status: 'dismissed', undo: 'done' });
});

test('a deadline is a failure that is undone', async ({ core, bench }) => {
  bench.plot['act submit'] = async (attempt) => {
    attempt.stop('deadline');
    attempt.checkpoint();
  };
  await bench.attempt();
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: { code: 'deadline_exceeded', putBack: ['submit (undefined)', 'upload (upload)'] },
  });
});

test('a job that comes too late is not begun; what was begun is undone', async ({
  core,
  bench,
}) => {
  bench.plot['act submit'] = die;
  await bench.attempt();
  await core.redis.hset(core.records.keys.job(bench.jobId), { deadlineMs: Date.now() - 1 });
  bench.did.length = 0;
  await bench.attempt();
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'failed',
    exception: { code: 'deadline_exceeded' },
  });
  // What was begun without an answer is looked for twice.
  expect(onlySteps(bench.did)).toEqual([
    ...['look submit', 'look submit'],
    ...['undo submit', 'undo upload'],
  ]);
});

test('draining hands over and touches nothing', async ({ core, bench }) => {
  bench.plot['act submit'] = async (attempt) => {
    attempt.drain();
    await attempt.pause(60_000);
  };
  expect(await bench.attempt()).toEqual({ kind: 'handed-over' });
  expect(await found(core, bench.jobId)).toMatchObject({ status: 'running', step: 'submit' });
  expect(onlySteps(bench.did)).toEqual(['act upload', 'act submit']);
});

test('an attempt with a successor ends without a word', async ({ core, bench }) => {
  bench.plot['act submit'] = () => beginAgain(core, bench.jobId);
  expect(await bench.attempt()).toEqual({ kind: 'lost' });
  const record = await found(core, bench.jobId);
  expect(record.steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'upload done',
    'submit begun',
  ]);
  expect(onlySteps(bench.did)).toEqual(['act upload', 'act submit']);
});

test('a closed site lets the job rest where it stands', async ({ core, bench }) => {
  bench.plot['act submit'] = refuse('later');
  expect(await bench.attempt()).toMatchObject({
    kind: 'rests',
    reason: { code: 'publishing_failed' },
  });
  expect(await found(core, bench.jobId)).toMatchObject({ status: 'running' });
  bench.plot = {};
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  expect(await found(core, bench.jobId)).toMatchObject({ status: 'successful' });
});

test('a site that closes while undoing: the next attempt undoes the rest, and the cause stays the same', async ({
  core,
  bench,
}) => {
  bench.plot = { 'act verify': refuse(), 'undo submit': refuse('later') };
  expect(await bench.attempt()).toMatchObject({ kind: 'rests' });
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'running',
    ending: { problem: { code: 'publishing_failed' } },
  });
  bench.did.length = 0;
  bench.plot = {};
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  expect(onlySteps(bench.did)).toEqual(['undo submit', 'undo upload']);
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: { putBack: ['verify (undefined)', 'submit (submit)', 'upload (upload)'] },
  });
});

test('a site that stays closed for long is given up', async ({ core, bench }) => {
  bench.plot = { 'act verify': refuse(), 'undo submit': refuse('later') };
  await bench.attempt();
  const long = Date.now() - 1_000;
  await core.redis.hset(core.records.keys.job(bench.jobId), {
    createdMs: long,
    deadlineMs: long + 10,
  });
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'failed',
    undo: 'failed',
    exception: {
      code: 'publishing_failed',
      putBack: ['verify (undefined)'],
      notPutBack: [expect.stringContaining('could not be reached any more')],
    },
  });
});

test('a job that is dismissed while a failure is undone stays dismissed', async ({
  core,
  bench,
}) => {
  bench.plot = { 'act verify': refuse(), 'undo submit': () => core.records.dismiss(bench.jobId) };
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  const record = await found(core, bench.jobId);
  expect(record).toMatchObject({
    status: 'dismissed',
    undo: 'done',
    message: expect.stringMatching(/^Dismissed\. Put back/),
  });
  await expectConsistent(core);
});

async function dieOften(bench: Bench, moment: Moment, times: number): Promise<void> {
  bench.plot = { [moment]: die };
  for (let death = 0; death < times; death += 1)
    expect(await bench.attempt()).toEqual({ kind: 'lost' });
}

test('five deaths in one step are the end of it, and it is undone', async ({ core, bench }) => {
  await dieOften(bench, 'act submit', 1);
  await dieOften(bench, 'look submit', 4);
  bench.plot = {};
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: {
      code: 'worker_died_repeatedly',
      putBack: ['submit (undefined)', 'upload (upload)'],
    },
  });
});

test('deaths while undoing have an end too', async ({ core, bench }) => {
  await dieOften(bench, 'act submit', 1);
  await dieOften(bench, 'look submit', 4);
  await dieOften(bench, 'undo submit', 25);
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'failed',
    undo: 'failed',
    exception: {
      code: 'worker_died_repeatedly',
      notPutBack: [expect.stringContaining('30 workers died')],
    },
  });
});

test('a dismissed job whose workers die again and again ends too', async ({ core, bench }) => {
  await dieOften(bench, 'act submit', 1);
  await core.records.dismiss(bench.jobId);
  await dieOften(bench, 'undo submit', 29);
  expect(await bench.attempt()).toEqual({ kind: 'ended' });
  expect(await found(core, bench.jobId)).toMatchObject({ status: 'dismissed', undo: 'failed' });
});

test('a record of another version fails by name; what is known is undone, the rest is told', async ({
  core,
  bench,
}) => {
  bench.plot['act submit'] = die;
  await bench.attempt();
  const stranger = {
    name: 'approve',
    state: 'done',
    result: 1,
    attempt: 1,
    startedMs: 1,
    finishedMs: 2,
  };
  await core.redis.hset(core.records.keys.job(bench.jobId), {
    'step:approve': JSON.stringify(stranger),
  });
  await bench.attempt();
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'failed',
    undo: 'failed',
    exception: {
      code: 'unknown_step',
      putBack: ['submit (undefined)', 'upload (upload)'],
      notPutBack: [expect.stringMatching(/^approve: /)],
    },
  });
});

test('parameters that this version does not understand end the job, and nothing is called put back', async ({
  core,
  bench,
}) => {
  bench.plot['act submit'] = die;
  await bench.attempt();
  await core.redis.hset(core.records.keys.job(bench.jobId), { params: '{"old":1}' });
  await bench.attempt();
  expect(await found(core, bench.jobId)).toMatchObject({
    status: 'failed',
    undo: 'failed',
    exception: {
      code: 'internal_error',
      putBack: [],
      notPutBack: [expect.stringMatching(/^submit: /), expect.stringMatching(/^upload: /)],
    },
  });
});

const report: FailureReport<unknown> = {
  investigate: async (error) => ({ seen: (error as Error).message }),
  conclude: async (evidence, putBack) => ({
    ...toProblem(new Refused()),
    evidence,
    undone: putBack.done.length,
  }),
};

test('a failure is looked into at once, and explained when all is put back', async ({
  core,
  bench,
}) => {
  bench.plot['act submit'] = refuse();
  expect(await bench.attempt({ failure: report })).toEqual({ kind: 'ended' });
  expect(await found(core, bench.jobId)).toMatchObject({
    exception: { code: 'publishing_failed', evidence: { seen: 'refused: never' }, undone: 2 },
  });
});

test.for(['investigate', 'conclude'])(
  'a report that cannot %s does not hide the failure',
  async (part, { core, bench }) => {
    bench.plot['act submit'] = refuse();
    const broken = async () => Promise.reject(new TypeError('broken report'));
    expect(await bench.attempt({ failure: { ...report, [part]: broken } })).toEqual({
      kind: 'ended',
    });
    expect(await found(core, bench.jobId)).toMatchObject({
      status: 'failed',
      exception: { code: 'publishing_failed', putBack: ['submit (undefined)', 'upload (upload)'] },
    });
  },
);

test('warnings, progress and times are kept across attempts', async ({ core, bench }) => {
  bench.plot['act upload'] = async (_, context) => {
    await context.warn('careful');
    await context.warn('careful');
    return 'upload';
  };
  bench.plot['act submit'] = die;
  await bench.attempt();
  let seen: unknown;
  bench.plot = {
    'act verify': async (_, context) => {
      seen = {
        warnings: context.warnings(),
        seconds: Object.keys(context.stepSeconds()),
        now: context.currentStep(),
        before: context.recordedResult('upload'),
        first: context.isFirstAttempt,
      };
      return 'ok';
    },
  };
  await bench.attempt();
  expect(seen).toEqual({
    warnings: ['careful'],
    seconds: ['upload', 'submit'],
    now: 'verify',
    before: 'upload',
    first: false,
  });
  expect(await found(core, bench.jobId)).toMatchObject({ warnings: ['careful'] });
  expect(await readMessages(core, bench.jobId)).toEqual([
    'careful',
    'Attempt 1 broke off in the step "submit": its worker died, or could not be reached. Attempt 2 goes on from there.',
  ]);
});
