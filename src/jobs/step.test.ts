import { expect } from 'vitest';
import { z } from 'zod';
import {
  test as base,
  type JobCore,
  readMessages,
  submitted,
} from '../../test/support/job-core.ts';
import { type Again, type ErrorCode, GatewayError } from '../lib/errors.ts';
import { Timing } from '../lib/timing.ts';
import { JobLog } from './job-log.ts';
import type { StepRecord } from './job-record.ts';
import { defineStep, ReplayedToEnd, type Step, StepRunner, UnknownOutcomeError } from './step.ts';
import { SiteRestsError } from './step-patience.ts';

class Refused extends GatewayError {
  readonly code: ErrorCode;
  override readonly again: Again;

  constructor(again: Again, code: ErrorCode = 'site_busy') {
    super(`refused: ${again}`, { facts: { site: 'demo' } });
    this.again = again;
    this.code = code;
  }
}

const Item = z.object({ itemId: z.string() });
type Item = z.output<typeof Item>;
type Does = Partial<Pick<Step<string, Item, unknown>, 'before' | 'look' | 'act' | 'undo'>>;

type Bench = {
  /** What happened, in order. */
  did: string[];
  /** The records as they were written, by name. */
  written: Map<string, StepRecord>;
  stop: AbortController;
  runner: (options?: {
    steps?: StepRecord[];
    mode?: 'do' | 'undo';
    retryForMs?: number;
  }) => StepRunner;
  /** A step that notes what is done with it. */
  stepOf: (name: string, does?: Does) => Step<string, Item, unknown>;
  messages: () => Promise<string[]>;
};

const test = base.extend<{ bench: Bench }>({
  bench: async ({ core }, use) => {
    await use(createBench(core, await submitted(core)));
  },
});

function createBench(core: JobCore, jobId: string): Bench {
  const did: string[] = [];
  const written = new Map<string, StepRecord>();
  const stop = new AbortController();
  const log = new JobLog(core.records, jobId, { attempt: 1 });
  const noted =
    <Args extends unknown[], R>(what: string, work: (...args: Args) => Promise<R>) =>
    (...args: Args): Promise<R> => {
      did.push(what);
      return work(...args);
    };
  return {
    did,
    written,
    stop,
    runner: ({ steps = [], mode = 'do', retryForMs = 5_000 } = {}) =>
      new StepRunner({
        steps,
        mode,
        write: async (_, { stepRecords: [stepRecord] = [] }) => {
          if (!stepRecord) return;
          did.push(`write ${stepRecord.name} ${stepRecord.state}`);
          written.set(stepRecord.name, structuredClone(stepRecord));
        },
        contextFor: () => {
          stop.signal.throwIfAborted();
          return {
            jobId,
            attempt: 1,
            signal: stop.signal,
            pause: async () => void did.push('pause'),
            log,
            timing: Timing.parse({ retryMinMs: 1, retryMaxMs: 4, retryForMs }),
            progress: async () => undefined,
          };
        },
      }),
    stepOf: (name, { before, look, act, undo } = {}) =>
      defineStep<string, Item, unknown>({
        name,
        title: name,
        share: [0, 100],
        result: Item,
        act: noted(`act ${name}`, act ?? (async () => ({ itemId: name }))),
        ...(before && { before: noted(`before ${name}`, before) }),
        ...(look && { look: noted(`look ${name}`, look) }),
        ...(undo && { undo: noted(`undo ${name}`, undo) }),
      }),
    messages: () => readMessages(core, jobId),
  };
}

const recordOf = (name: string, more: Partial<StepRecord> = {}): StepRecord => ({
  name,
  state: 'done',
  result: { itemId: `recorded ${name}` },
  attempt: 1,
  startedMs: 1,
  finishedMs: 2,
  ...more,
});
const begunRecord = (name: string, before?: unknown): StepRecord => ({
  name,
  state: 'begun',
  before,
  attempt: 1,
  startedMs: 1,
});

/** Fails so many times, then answers. */
function failing<T>(times: number, error: Error, answer: T): () => Promise<T> {
  let left = times;
  return async () => {
    left -= 1;
    if (left >= 0) throw error;
    return answer;
  };
}

test('a new step: seen before, recorded, done, recorded', async ({ bench }) => {
  const upload = bench.stepOf('upload', {
    before: async (input) => `before ${input}`,
    look: async () => undefined,
    act: async (input, { before }) => ({ itemId: `${input}, ${before}` }),
  });
  const result = await bench.runner().step(upload, 'roads');

  expect(result).toEqual({ itemId: 'roads, before roads' });
  expect(bench.did).toEqual([
    'before upload',
    'write upload begun',
    'act upload',
    'write upload done',
  ]);
  expect(bench.written.get('upload')).toMatchObject({
    state: 'done',
    before: 'before roads',
    result,
  });
});

test('a step whose look before fails is not begun', async ({ bench }) => {
  const upload = bench.stepOf('upload', {
    before: async () => Promise.reject(new Refused('never')),
  });
  const runner = bench.runner();
  await expect(runner.step(upload, '')).rejects.toThrow('refused: never');
  expect(bench.did).toEqual(['before upload']);
  expect(await runner.undoAll()).toEqual({ done: [], failed: [] });
});

test('a recorded result is returned; nothing is looked at nor done', async ({ bench }) => {
  const upload = bench.stepOf('upload', { look: async () => ({ itemId: 'looked' }) });
  const runner = bench.runner({ steps: [recordOf('upload')] });
  expect(await runner.step(upload, '')).toEqual({ itemId: 'recorded upload' });
  expect(bench.did).toEqual([]);
});

test('a recorded result of another shape is a fault, not a result', async ({ bench }) => {
  const runner = bench.runner({ steps: [recordOf('upload', { result: { other: 1 } })] });
  await expect(runner.step(bench.stepOf('upload'), '')).rejects.toThrow(z.ZodError);
  expect(bench.did).toEqual([]);
});

test('a step that was begun is looked at first, with what was seen before', async ({ bench }) => {
  const submit = bench.stepOf('submit', {
    before: async () => 'seen now',
    look: async (_, { before }) => ({ itemId: `found, ${before}` }),
  });
  const runner = bench.runner({ steps: [begunRecord('submit', 'seen then')] });
  expect(await runner.step(submit, '')).toEqual({ itemId: 'found, seen then' });
  expect(bench.did).toEqual(['write submit begun', 'look submit', 'write submit done']);
  expect(bench.written.get('submit')).toMatchObject({ startedMs: 1, before: 'seen then' });
});

test('a step that was begun and is not found done is done now', async ({ bench }) => {
  const submit = bench.stepOf('submit', { look: async () => undefined });
  const runner = bench.runner({ steps: [begunRecord('submit')] });
  expect(await runner.step(submit, '')).toEqual({ itemId: 'submit' });
  expect(bench.did).toEqual([
    'write submit begun',
    'look submit',
    'write submit begun',
    'act submit',
    'write submit done',
  ]);
});

test('attempts that only looked do not begin to wait anew; one that may have acted does', async ({
  bench,
}) => {
  const since: (number | undefined)[] = [];
  const written: (number | undefined)[] = [];
  const submit = bench.stepOf('submit', {
    look: async (_, { quietSinceMs }) => {
      since.push(quietSinceMs);
      written.push(bench.written.get('submit')?.quietSinceMs);
      return undefined;
    },
    act: async () => {
      written.push(bench.written.get('submit')?.quietSinceMs);
      throw new Error('the process dies here');
    },
  });
  const beganMs = Date.now();
  const first = bench.runner({ steps: [begunRecord('submit')] });
  await expect(first.step(submit, '')).rejects.toThrow('dies here');
  const [firstSince = 0] = since;
  expect(firstSince).toBeGreaterThanOrEqual(beganMs);
  expect(written).toEqual([firstSince, undefined]);

  const second = bench.runner({ steps: [{ ...begunRecord('submit'), quietSinceMs: 5 }] });
  await expect(second.step(submit, '')).rejects.toThrow('dies here');
  expect(since.at(-1)).toBe(5);
  expect(written.slice(2)).toEqual([5, undefined]);
});

test('what failed in passing is repeated after pauses, and the job hears of it', async ({
  bench,
}) => {
  const upload = bench.stepOf('upload', { act: failing(3, new Refused('now'), { itemId: 'i1' }) });
  expect(await bench.runner().step(upload, '')).toEqual({ itemId: 'i1' });
  const tries = ['act upload', 'pause', 'act upload', 'pause', 'act upload', 'pause', 'act upload'];
  expect(bench.did).toEqual(['write upload begun', ...tries, 'write upload done']);
  expect(await bench.messages()).toEqual([
    expect.stringMatching(/^refused: now Try 1 failed/),
    expect.stringMatching(/Try 2 failed/),
    expect.stringMatching(/Try 3 failed/),
  ]);
});

test('what stays so lets the site rest', async ({ bench }) => {
  const upload = bench.stepOf('upload', { act: async () => Promise.reject(new Refused('now')) });
  const reason = await bench
    .runner({ retryForMs: 1 })
    .step(upload, '')
    .catch((error: unknown) => error);
  expect(reason).toBeInstanceOf(SiteRestsError);
  expect(reason).toMatchObject({ reason: { code: 'site_busy', again: 'now' } });
  expect(bench.written.get('upload')).toMatchObject({ state: 'begun' });
});

test('a page in place of an answer is asked past, and told as it is when it stays', async ({
  bench,
}) => {
  const page = new Refused('now', 'site_error');
  const passing = bench.stepOf('passing', { act: failing(2, page, { itemId: 'i1' }) });
  expect(await bench.runner().step(passing, '')).toEqual({ itemId: 'i1' });

  const staying = bench.stepOf('staying', { act: async () => Promise.reject(page) });
  await expect(bench.runner({ retryForMs: 10 }).step(staying, '')).rejects.toBe(page);
  expect(bench.did.filter((each) => each === 'act passing')).toHaveLength(3);
});

test.for([
  ['later', 'site_read_only'],
  ['later', 'storage_exhausted'],
  ['never', 'site_login_refused'],
  ['now', 'site_login_refused'],
] as const)('%s (%s) is not repeated: the site rests', async ([again, code], { bench }) => {
  const upload = bench.stepOf('upload', {
    act: async () => Promise.reject(new Refused(again, code)),
  });
  await expect(bench.runner().step(upload, '')).rejects.toThrow(SiteRestsError);
  expect(bench.did).toEqual(['write upload begun', 'act upload']);
});

test('a full disk is met with patience, whoever wrote the file', async ({ bench }) => {
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  const upload = bench.stepOf('upload', { act: async () => Promise.reject(full) });
  await expect(bench.runner().step(upload, '')).rejects.toMatchObject({
    name: 'SiteRestsError',
    reason: { code: 'storage_exhausted', again: 'later' },
  });
});

test('a fault of ours, and what never helps, is thrown as it is', async ({ bench }) => {
  for (const error of [new TypeError('ours'), new Refused('never')]) {
    const upload = bench.stepOf(error.name, { act: async () => Promise.reject(error) });
    await expect(bench.runner().step(upload, '')).rejects.toBe(error);
  }
  expect(bench.did.filter((each) => each.startsWith('act'))).toHaveLength(2);
});

test('after an unknown outcome the step looks, and does it again only if nothing was done', async ({
  bench,
}) => {
  const found = bench.stepOf('found', {
    act: async () => Promise.reject(new Refused('look')),
    look: async () => ({ itemId: 'done all the same' }),
  });
  expect(await bench.runner().step(found, '')).toEqual({ itemId: 'done all the same' });
  expect(bench.did).toEqual(['write found begun', 'act found', 'look found', 'write found done']);

  bench.did.length = 0;
  const missing = bench.stepOf('missing', {
    act: failing(1, new Refused('look'), { itemId: 'second' }),
    look: async () => undefined,
  });
  expect(await bench.runner().step(missing, '')).toEqual({ itemId: 'second' });
  expect(bench.did).toEqual([
    'write missing begun',
    'act missing',
    'look missing',
    'pause',
    'act missing',
    'write missing done',
  ]);
});

test('a look that fails in passing is repeated itself: nothing is done before it has an answer', async ({
  bench,
}) => {
  const submit = bench.stepOf('submit', {
    act: failing(1, new Refused('look'), { itemId: 'a second site job' }),
    look: failing(2, new Refused('now'), { itemId: 'found' }),
  });
  expect(await bench.runner().step(submit, '')).toEqual({ itemId: 'found' });
  expect(bench.did).toEqual([
    'write submit begun',
    'act submit',
    'look submit',
    'pause',
    'look submit',
    'pause',
    'look submit',
    'write submit done',
  ]);
});

test('a look that meets a closed site leaves the step begun: the next attempt looks first', async ({
  bench,
}) => {
  const submit = bench.stepOf('submit', {
    act: failing(1, new Refused('look'), { itemId: 'a second site job' }),
    look: async () => Promise.reject(new Refused('later')),
  });
  await expect(bench.runner().step(submit, '')).rejects.toThrow(SiteRestsError);
  expect(bench.did).toEqual(['write submit begun', 'act submit', 'look submit']);
  expect(bench.written.get('submit')).toMatchObject({ state: 'begun' });
});

test('an unknown outcome of a step that cannot look is the end of it', async ({ bench }) => {
  const act = bench.stepOf('act', {
    act: async () => Promise.reject(new Refused('look', 'site_timeout')),
  });
  const error = await bench
    .runner()
    .step(act, '')
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UnknownOutcomeError);
  expect(error).toMatchObject({ code: 'outcome_unknown', again: 'never', facts: { site: 'demo' } });
});

test('nothing is begun once the attempt stops', async ({ bench }) => {
  const runner = bench.runner();
  const reason = new Error('dismissed');
  bench.stop.abort(reason);
  await expect(runner.step(bench.stepOf('upload'), '')).rejects.toBe(reason);
  expect(bench.did).toEqual([]);
});

test('an error that comes of stopping counts as stopping', async ({ bench }) => {
  const reason = new Error('dismissed');
  const upload = bench.stepOf('upload', {
    act: async () => {
      bench.stop.abort(reason);
      throw new Refused('now');
    },
  });
  await expect(bench.runner().step(upload, '')).rejects.toBe(reason);
  expect(bench.did).toEqual(['write upload begun', 'act upload']);
});

test('undoing goes backwards, with what each step came to', async ({ bench }) => {
  const undo = async (_: string, result: Item | undefined, { before }: { before: unknown }) =>
    `${result?.itemId} was ${String(before)}`;
  const runner = bench.runner();
  await runner.step(bench.stepOf('check'), '');
  await runner.step(bench.stepOf('upload', { undo, before: async () => 'nothing' }), '');
  await runner.step(bench.stepOf('folder', { undo, before: async () => 'none' }), '');
  bench.did.length = 0;

  expect(await runner.undoAll()).toEqual({
    done: ['folder was none', 'upload was nothing'],
    failed: [],
  });
  expect(bench.did).toEqual([
    'undo folder',
    'write folder undone',
    'undo upload',
    'write upload undone',
    'write check undone',
  ]);
  expect(bench.written.get('upload')).toMatchObject({
    state: 'undone',
    note: 'upload was nothing',
    result: { itemId: 'upload' },
  });
});

test('what was begun and broken off is looked for before it is undone', async ({ bench }) => {
  const looks: (Item | undefined)[] = [{ itemId: 'half done' }, undefined];
  const undone: unknown[] = [];
  for (const found of looks) {
    const runner = bench.runner();
    const submit = bench.stepOf('submit', {
      act: async () => Promise.reject(new Refused('never')),
      look: async () => found,
      undo: async (_, result) => void undone.push(result),
    });
    await expect(runner.step(submit, '')).rejects.toThrow();
    await runner.undoAll();
  }
  expect(undone).toEqual([{ itemId: 'half done' }, undefined]);
});

test('a request that was broken off is looked for twice before it counts as not done', async ({
  bench,
}) => {
  const undone: unknown[] = [];
  const looks: (Item | undefined)[] = [undefined, { itemId: 'arrived late' }];
  const upload = bench.stepOf('upload', {
    look: async () => looks.shift(),
    undo: async (_, result) => void undone.push(result),
  });
  const runner = bench.runner({ steps: [begunRecord('upload')], mode: 'undo' });
  await expect(runner.step(upload, '')).rejects.toThrow(ReplayedToEnd);
  await runner.undoAll();
  expect(undone).toEqual([{ itemId: 'arrived late' }]);
  expect(bench.did.slice(0, 4)).toEqual([
    'write upload begun',
    'look upload',
    'pause',
    'look upload',
  ]);
  expect(bench.written.get('upload')?.quietSinceMs).toBeTypeOf('number');
});

test('what an undo waited for before it was cut off is not waited for again', async ({ bench }) => {
  const upload = bench.stepOf('upload', {
    look: async () => undefined,
    undo: async () => undefined,
  });
  const steps = [{ ...begunRecord('upload'), quietSinceMs: 1 }];
  const runner = bench.runner({ steps, mode: 'undo' });
  await expect(runner.step(upload, '')).rejects.toThrow(ReplayedToEnd);
  await runner.undoAll();
  expect(bench.did).toEqual(['look upload', 'undo upload', 'write upload undone']);
});

test('what an undo put back before it was cut off is told by the next attempt', async ({
  bench,
}) => {
  const submit = (isFirst: boolean) =>
    bench.stepOf('submit', {
      undo: async (_, __, { intends }) => {
        if (!isFirst) return undefined; // it finds nothing more to do
        await intends('the service was removed');
        throw new Error('the process dies here');
      },
    });
  const first = bench.runner({ steps: [recordOf('submit')] });
  await first.step(submit(true), '');
  await first.undoAll();
  const cutOff = { ...bench.written.get('submit'), state: 'done' } as StepRecord; // its last word was lost
  bench.written.clear();
  const second = bench.runner({ steps: [{ ...cutOff, note: 'the service was removed' }] });
  await second.step(submit(false), '');

  expect(bench.did).toContain('write submit done');
  expect(await second.undoAll()).toEqual({ done: ['the service was removed'], failed: [] });
});

test('what cannot be undone does not keep the rest from being undone', async ({ bench }) => {
  const runner = bench.runner();
  await runner.step(bench.stepOf('upload', { undo: async () => 'item deleted' }), '');
  await runner.step(
    bench.stepOf('folder', { undo: async () => Promise.reject(new Refused('never')) }),
    '',
  );
  await runner.step(
    bench.stepOf('submit', { undo: async () => Promise.reject(new TypeError('ours')) }),
    '',
  );
  await runner.step(bench.stepOf('verify', { undo: async () => 'nothing at all' }), '');

  expect(await runner.undoAll()).toEqual({
    done: ['nothing at all', 'item deleted'],
    failed: [expect.stringMatching(/^submit: .*fault of Pressroom/), 'folder: refused: never'],
  });
  expect(bench.written.get('folder')).toMatchObject({ state: 'undo-failed' });
  expect(bench.written.get('submit')).toMatchObject({ state: 'undo-failed' });
});

test('an undo that failed in passing is repeated; after an unknown outcome it begins with its look', async ({
  bench,
}) => {
  const runner = bench.runner();
  await runner.step(
    bench.stepOf('upload', { undo: failing(1, new Refused('now'), 'deleted') }),
    '',
  );
  const begun = bench.stepOf('submit', {
    act: async () => Promise.reject(new Refused('never')),
    look: async () => ({ itemId: 'j1' }),
    undo: failing(1, new Refused('look'), 'cancelled'),
  });
  await expect(runner.step(begun, '')).rejects.toThrow();
  bench.did.length = 0;

  expect(await runner.undoAll()).toEqual({ done: ['cancelled', 'deleted'], failed: [] });
  expect(bench.did).toEqual([
    ...['look submit', 'undo submit', 'pause', 'look submit', 'undo submit', 'write submit undone'],
    ...['undo upload', 'pause', 'undo upload', 'write upload undone'],
  ]);
});

test('undoing that meets a closed site goes on where it stopped', async ({ bench }) => {
  const undo = failing(1, new Refused('later'), 'item deleted');
  const upload = bench.stepOf('upload', { undo });
  const submit = bench.stepOf('submit', { undo: async () => 'service deleted' });
  const runner = bench.runner();
  await runner.step(upload, '');
  await runner.step(submit, '');
  await expect(runner.undoAll()).rejects.toThrow(SiteRestsError);

  const next = bench.runner({ steps: [...bench.written.values()], mode: 'undo' });
  await next.step(upload, '');
  await next.step(submit, '');
  await expect(next.step(bench.stepOf('verify'), '')).rejects.toThrow(ReplayedToEnd);
  bench.did.length = 0;
  expect(await next.undoAll()).toEqual({ done: ['service deleted', 'item deleted'], failed: [] });
  expect(bench.did).toEqual(['undo upload', 'write upload undone']);
});

test('stopping stops undoing, and what is not undone is not called so', async ({ bench }) => {
  const runner = bench.runner();
  const reason = new Error('lost');
  const undo = async () => {
    bench.stop.abort(reason);
    throw new TypeError('the request broke off');
  };
  await runner.step(bench.stepOf('upload', { undo }), '');
  await expect(runner.undoAll()).rejects.toBe(reason);
  expect(bench.written.get('upload')).toMatchObject({ state: 'done' });
});

test('a replay does nothing; it finds what there is to undo and ends where the work ended', async ({
  bench,
}) => {
  const undo = async (_: string, result: Item | undefined) => `undone ${result?.itemId}`;
  const steps = [recordOf('check'), recordOf('upload'), begunRecord('submit')];
  const runner = bench.runner({ steps, mode: 'undo' });
  expect(await runner.step(bench.stepOf('check'), '')).toEqual({ itemId: 'recorded check' });
  await runner.step(bench.stepOf('upload', { undo }), '');
  const submit = bench.stepOf('submit', { undo, look: async () => ({ itemId: 'j1' }) });
  await expect(runner.step(submit, '')).rejects.toThrow(ReplayedToEnd);
  expect(bench.did).toEqual([]);

  expect(await runner.undoAll()).toEqual({
    done: ['undone j1', 'undone recorded upload'],
    failed: [],
  });
});

test('a replay goes past a step that was done and came to nothing', async ({ bench }) => {
  const nothing = defineStep<string, undefined>({
    name: 'nothing',
    title: 'nothing',
    share: [0, 1],
    result: z.undefined(),
    act: async () => undefined,
  });
  const first = bench.runner();
  await first.step(nothing, '');
  const upload = bench.stepOf('upload', { undo: async () => 'item deleted' });
  await first.step(upload, '');

  const steps = [...bench.written.values()].map(
    (record) => JSON.parse(JSON.stringify(record)) as StepRecord,
  );
  const runner = bench.runner({ steps, mode: 'undo' });
  await runner.step(nothing, '');
  await runner.step(upload, '');
  expect(await runner.undoAll()).toEqual({ done: ['item deleted'], failed: [] });
});

test('recorded steps that the recipe does not come to are told as not put back', async ({
  bench,
}) => {
  const steps = [
    recordOf('check'),
    recordOf('old-step'),
    begunRecord('submit'),
    recordOf('gone', { state: 'undone' }),
  ];
  const runner = bench.runner({ steps, mode: 'undo' });
  await runner.step(bench.stepOf('check'), '');
  await expect(runner.step(bench.stepOf('upload'), '')).rejects.toThrow(ReplayedToEnd);
  expect(await runner.undoAll()).toEqual({
    done: [],
    failed: [expect.stringMatching(/^submit: /), expect.stringMatching(/^old-step: /)],
  });
});
