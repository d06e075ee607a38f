import type { z } from 'zod';
import { GatewayError } from '../lib/errors.ts';
import type { Timing } from '../lib/timing.ts';
import type { JobChange } from './job-change.ts';
import type { JobLog } from './job-log.ts';
import type { StepRecord } from './job-record.ts';
import { hasBeenQuiet, patiently, SiteRestsError, untilQuiet } from './step-patience.ts';

/** What a step may reach beside its input. */
export type StepContext<Before = unknown> = {
  jobId: string;
  attempt: number;
  /** Aborts with the reason why: dismissed, deadline, lost or draining. */
  signal: AbortSignal;
  /** Ends early, too, when the process wants to stop: a good place to hand over. */
  pause: (ms: number) => Promise<void>;
  log: JobLog;
  timing: Timing;
  /** What `before` saw before anything was changed, also in a later attempt. */
  before: Before;
  /**
   * For a look: no request of this step was sent since then, by this attempt or an earlier one, in epoch
   * milliseconds. One that was sent before may still be on its way.
   */
  quietSinceMs: number;
  progress: (fraction: number, message: string) => Promise<void>;
  /**
   * Said by an undo right before it changes something: what it will have put back. Should a crash keep it from
   * saying so afterwards, the next attempt, which finds nothing more to do, says it in its place. An empty note
   * takes it back.
   */
  intends: (note: string) => Promise<void>;
};

/**
 * One named step of a recipe. `before` looks at what is there and is recorded before `act` runs; `look`
 * answers whether the step is done already, after a crash and after an answer that never came; `undo`
 * puts back what `act` did and says in words what it put back.
 */
export type Step<Input, Result, Before = undefined> = {
  name: string;
  title: string;
  /** Percent of the job when this step begins and when it is done. */
  share: readonly [number, number];
  result: z.ZodType<Result>;
  /**
   * It only looks: to do it again after a crash does no harm, so what it found is recorded with what comes next,
   * not by itself.
   */
  isReading?: boolean;
  /** Its look waits by itself for a request that may still be on its way. */
  looksTwice?: boolean;
  before?: (input: Input, context: StepContext<undefined>) => Promise<Before>;
  look?: (input: Input, context: StepContext<Before>) => Promise<Result | undefined>;
  act: (input: Input, context: StepContext<Before>) => Promise<Result>;
  undo?: (
    input: Input,
    result: Result | undefined,
    context: StepContext<Before>,
  ) => Promise<string | undefined>;
};

export function defineStep<Input, Result, Before = undefined>(
  step: Step<Input, Result, Before>,
): Step<Input, Result, Before> {
  return step;
}

export type RunStep = <Input, Result, Before>(
  step: Step<Input, Result, Before>,
  input: Input,
) => Promise<Result>;

/** What undoing came to, in words for the caller. */
export type PutBack = { done: string[]; failed: string[] };

/** The recipe was replayed as far as it had come: nothing after this was begun. */
export class ReplayedToEnd extends Error {
  override readonly name = 'ReplayedToEnd';
}

/** The site may or may not have done it, and nothing that can be looked at tells. */
export class UnknownOutcomeError extends GatewayError {
  override readonly name = 'UnknownOutcomeError';
  readonly code = 'outcome_unknown';
}

type Visited = {
  place: StepPlace;
  undo: () => Promise<string | undefined>;
  record: StepRecord;
  /** Cleared by an answer: until then a request that changes something may be on its way. */
  mayBeUnderWay: boolean;
};

export type StepPlace = { name: string; share: readonly [number, number] };

export type StepRunnerDeps = {
  steps: StepRecord[];
  /** `undo` replays only what is recorded, to find out what has to be put back. */
  mode: 'do' | 'undo';
  /** @param canWait it may be written with what is written next */
  write: (kind: string, change: JobChange, options?: { canWait?: boolean }) => Promise<void>;
  /** Throws when the attempt stops. */
  contextFor: (step: StepPlace) => Omit<StepContext, 'before' | 'quietSinceMs' | 'intends'>;
  /** Hears of an undo that failed for a fault of ours. */
  onFault?: (error: unknown) => void;
};

/** Runs the steps of one attempt and remembers how to undo them. */
export class StepRunner {
  readonly #deps: StepRunnerDeps;
  readonly #recorded: Map<string, StepRecord>;
  readonly #visited: Visited[] = [];

  constructor(deps: StepRunnerDeps) {
    this.#deps = deps;
    this.#recorded = new Map(deps.steps.map((step) => [step.name, step]));
  }

  /** Ready to be handed to a recipe. */
  readonly step: RunStep = async (step, input) => {
    const recorded = this.#recorded.get(step.name);
    if (this.#deps.mode === 'undo') return this.#replay(step, input, recorded);
    if (recorded?.state === 'done') return this.#recall(step, input, recorded);
    return this.#carryOut(step, input, recorded);
  };

  get mode(): StepRunnerDeps['mode'] {
    return this.#deps.mode;
  }

  /** What is recorded as begun or done, and the recipe has not come to. */
  get unvisited(): StepRecord[] {
    const names = new Set(this.#visited.map(({ record }) => record.name));
    return [...this.#recorded.values()].filter(
      ({ name, state }) => (state === 'begun' || state === 'done') && !names.has(name),
    );
  }

  async #carryOut<I, R, B>(
    step: Step<I, R, B>,
    input: I,
    recorded: StepRecord | undefined,
  ): Promise<R> {
    const plain = this.#context(step);
    plain.signal.throwIfAborted();
    const before = (
      recorded ? recorded.before : await patiently(plain, async () => step.before?.(input, plain))
    ) as B;
    const quietSinceMs = recorded?.quietSinceMs ?? plain.quietSinceMs;
    const context: StepContext<B> = { ...plain, before, quietSinceMs };
    const begun: StepRecord = {
      name: step.name,
      state: 'begun',
      before,
      attempt: plain.attempt,
      startedMs: recorded?.startedMs ?? Date.now(),
      ...(step.isReading && { isReading: true }),
    };
    const isLooking = recorded !== undefined && step.look !== undefined;
    const first = isLooking ? { ...begun, quietSinceMs } : begun;
    this.#remember(step, input, first);
    const change = {
      stepRecords: [first],
      step: step.name,
      message: step.title,
      progress: step.share[0],
    };
    const { isReading = false } = step;
    // What has to be undone must be known to be begun.
    await this.#deps.write('step', change, { canWait: isReading && step.undo === undefined });
    const found = isLooking
      ? await patiently(context, async () => step.look?.(input, context))
      : undefined;
    // The next attempt, should there be one, has to know that it is not quiet any more.
    if (isLooking && found === undefined) await this.#record(begun, { canWait: isReading });
    const result = found ?? (await this.#act(step, input, context));
    const done: StepRecord = { ...begun, state: 'done', result, finishedMs: Date.now() };
    await this.#record(done, { canWait: isReading });
    return result;
  }

  /** Acts; after an unknown outcome looks, and acts again only if the look says that nothing was done. */
  #act<I, R, B>(step: Step<I, R, B>, input: I, context: StepContext<B>): Promise<R> {
    return patiently(context, async () => {
      try {
        return await step.act(input, context);
      } catch (error) {
        if (!(error instanceof GatewayError) || error.again !== 'look') {
          if (!context.signal.aborted) this.#wasAnswered(step);
          throw error;
        }
        await context.log.warning(`${error.message} Looking whether it was done all the same.`);
        if (!step.look) {
          throw new UnknownOutcomeError(error.message, { cause: error, facts: error.facts });
        }
        // A look that fails in passing is repeated by itself, for nothing is known before it has an answer.
        const since = { ...context, quietSinceMs: Date.now() };
        const found = await patiently(since, async () => step.look?.(input, since));
        if (found !== undefined) return found;
        throw new NotDoneAfterAll(error.message, { cause: error, facts: error.facts });
      }
    });
  }

  #wasAnswered({ name }: StepPlace): void {
    const visited = this.#visited.find(({ record }) => record.name === name);
    if (visited) visited.mayBeUnderWay = false;
  }

  #recall<I, R, B>(step: Step<I, R, B>, input: I, recorded: StepRecord): R {
    this.#remember(step, input, recorded);
    return step.result.parse(recorded.result);
  }

  #replay<I, R, B>(step: Step<I, R, B>, input: I, recorded: StepRecord | undefined): R {
    if (!recorded) throw new ReplayedToEnd();
    this.#remember(step, input, recorded);
    if (recorded.finishedMs === undefined) throw new ReplayedToEnd();
    return step.result.parse(recorded.result);
  }

  #remember<I, R, B>(step: Step<I, R, B>, input: I, record: StepRecord): void {
    const visited: Visited = {
      place: step,
      record,
      mayBeUnderWay: record.state === 'begun',
      undo: async () => {
        if (!step.undo) return undefined;
        const context = {
          ...this.#context(step),
          before: record.before as B,
          quietSinceMs: await this.#findQuietSince(step, visited),
          intends: (note: string) => this.#record({ ...visited.record, note }),
        };
        return patiently(context, async () => {
          try {
            const recorded = visited.record.result as R | undefined;
            const result = recorded ?? (await this.#findBegun(step, input, context, visited));
            return await step.undo?.(input, result, context);
          } catch (error) {
            if (!(error instanceof GatewayError) || error.again !== 'look') throw error;
            throw new NotDoneAfterAll(error.message, { cause: error }); // an undo looks first by itself
          }
        });
      },
    };
    this.#visited.push(visited);
  }

  /** A request that was broken off may still reach the site, or be at work there: so it is looked for twice. */
  async #findBegun<I, R, B>(
    step: Step<I, R, B>,
    input: I,
    context: StepContext<B>,
    visited: Visited,
  ): Promise<R | undefined> {
    const beganMs = Date.now();
    const found = await step.look?.(input, context);
    if (found !== undefined || !step.look || step.looksTwice || !visited.mayBeUnderWay)
      return found;
    if (hasBeenQuiet(context, beganMs)) return undefined;
    await untilQuiet(context);
    return step.look(input, context);
  }

  /** Nothing is sent any more once undoing has begun: what one attempt has waited for, the next one need not. */
  async #findQuietSince<I, R, B>(
    step: Step<I, R, B>,
    { record, mayBeUnderWay }: Visited,
  ): Promise<number> {
    if (record.quietSinceMs !== undefined) return record.quietSinceMs;
    const quietSinceMs = Date.now();
    if (step.look && mayBeUnderWay) await this.#record({ ...record, quietSinceMs });
    return quietSinceMs;
  }

  async #record(record: StepRecord, options?: { canWait: boolean }): Promise<void> {
    const visited = this.#visited.find((each) => each.record.name === record.name);
    if (visited) visited.record = record;
    this.#recorded.set(record.name, record);
    await this.#deps.write('step', { stepRecords: [record] }, options);
  }

  /**
   * Undoes what was begun, last first. What cannot be undone does not keep the rest from being undone; nor
   * does a step that a replay did not come to, because this version has another recipe.
   *
   * @throws SiteRestsError when the site is closed: what is undone by then is recorded
   */
  async undoAll(): Promise<PutBack> {
    for (const visited of [...this.#visited].reverse()) {
      if (visited.record.state === 'undone' || visited.record.state === 'undo-failed') continue;
      await this.#record(await this.#undone(visited));
    }
    const notes = (state: StepRecord['state']) =>
      [...this.#visited]
        .reverse()
        .flatMap(({ record }) => (record.state === state && record.note ? [record.note] : []));
    const unknown = this.unvisited
      .reverse()
      .map(({ name }) => `${name}: this version of Pressroom does not know how to put it back`);
    return { done: notes('undone'), failed: [...unknown, ...notes('undo-failed')] };
  }

  async #undone(visited: Visited): Promise<StepRecord> {
    try {
      const note = (await visited.undo()) ?? visited.record.note; // of an attempt that was cut off
      return { ...visited.record, state: 'undone', ...(note && { note }) };
    } catch (error) {
      if (error instanceof SiteRestsError) throw error;
      if (!(error instanceof GatewayError)) {
        this.#context(visited.place); // an error that comes of stopping counts as stopping
        this.#deps.onFault?.(error);
      }
      const reason = error instanceof GatewayError ? error.message : 'a fault of Pressroom itself';
      return { ...visited.record, state: 'undo-failed', note: `${visited.record.name}: ${reason}` };
    }
  }

  #context(step: StepPlace): StepContext<undefined> {
    const quietSinceMs = Date.now();
    return {
      ...this.#deps.contextFor(step),
      before: undefined,
      quietSinceMs,
      intends: async () => {},
    };
  }
}

/** A look found that nothing was done: so it may be done again. */
class NotDoneAfterAll extends GatewayError {
  override readonly name = 'NotDoneAfterAll';
  readonly code = 'site_timeout';
  override readonly again = 'now';
}
