import type { JobChange } from '../jobs/job-change.ts';
import { JobLog } from '../jobs/job-log.ts';
import type { JobRecord, StepRecord } from '../jobs/job-record.ts';
import type { StepPlace } from '../jobs/step.ts';
import { SecretMask } from '../lib/secret-mask.ts';
import type { Attempt } from './attempt.ts';

/** What may wait is written with what is written next, and after so many ms at the latest. */
const patienceMs = 150;

/**
 * What one attempt writes of its job: the record and the log. All of it is masked: a site may repeat what it was
 * sent. Each write costs Redis a script and wakes whoever listens, so what need not be kept at once waits for
 * what has to be.
 */
export class AttemptJournal {
  readonly #attempt: Attempt;
  readonly #steps: Map<string, StepRecord>;
  readonly #warnings: string[];
  #lastProgress = '';
  #waiting: { kind?: string; change: JobChange; messages: object[] } = nothing();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #isClosed = false;
  readonly mask = new SecretMask();

  constructor({ warnings, steps }: JobRecord, attempt: Attempt) {
    this.#attempt = attempt;
    this.#warnings = [...warnings];
    this.#steps = new Map(steps.map((step) => [step.name, step]));
  }

  get steps(): StepRecord[] {
    return [...this.#steps.values()];
  }

  get warnings(): string[] {
    return [...this.#warnings];
  }

  /**
   * Everything that waits goes with it, in its order.
   *
   * @throws AttemptStopped `lost` when a later attempt exists
   */
  async write(
    kind: string,
    change: JobChange,
    { canWait = false }: { canWait?: boolean } = {},
  ): Promise<void> {
    for (const step of change.stepRecords ?? []) this.#steps.set(step.name, step);
    this.#waiting.kind = kind;
    this.#waiting.change = merged(this.#waiting.change, this.#masked(change));
    if (canWait) this.#flushSoon();
    else await this.flush();
  }

  /** Before a pause, and before the attempt ends: whoever follows the job shall not wait for more than that. */
  async flush(): Promise<void> {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const before = this.#flushing;
    const { kind, change, messages } = this.#waiting;
    this.#waiting = nothing();
    await before; // a write that failed fails those that come after it
    if (kind !== undefined) await this.#attempt.write(kind, change, messages);
    else if (messages.length > 0) await this.#attempt.appendLog(messages);
  }

  /** The attempt is over: nothing is written after this, and what still waits not at all. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = nothing();
  }

  async pause(ms: number): Promise<void> {
    await this.flush();
    await this.#attempt.pause(ms);
  }

  jobLog(step?: string): JobLog {
    const { jobId, number } = this.#attempt;
    const messages = {
      appendLog: async (_jobId: string, ...entries: object[]) => {
        this.#waiting.messages.push(...entries);
        this.#flushSoon();
      },
    };
    return new JobLog(messages, jobId, { attempt: number, step }, (text) => this.mask.inText(text));
  }

  async warn(text: string): Promise<void> {
    if (this.#warnings.includes(text)) return;
    this.#warnings.push(text);
    await this.jobLog().warning(text);
    await this.write('warning', { warnings: this.warnings });
  }

  async tellProgress(
    { share: [from, to] }: StepPlace,
    fraction: number,
    message: string,
  ): Promise<void> {
    const progress = Math.min(
      99,
      Math.floor(from + (to - from) * Math.min(1, Math.max(0, fraction))),
    );
    const told = `${progress} ${message}`;
    if (told === this.#lastProgress) return;
    this.#lastProgress = told;
    await this.write('progress', { progress, message }, { canWait: true });
  }

  resultOf(step: string): unknown {
    return this.#steps.get(step)?.result;
  }

  currentStep(): string | undefined {
    return this.steps.findLast((step) => step.state === 'begun')?.name;
  }

  stepSeconds(): Record<string, number> {
    return Object.fromEntries(
      this.steps.flatMap(({ name, startedMs, finishedMs }) =>
        finishedMs === undefined ? [] : [[name, (finishedMs - startedMs) / 1000]],
      ),
    );
  }

  #flushSoon(): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#flushing = this.flush();
      this.#flushing.catch(() => undefined); // the next write tells
    }, patienceMs);
  }

  #masked({ stepRecords, results, secrets, locks, exception, ...texts }: JobChange): JobChange {
    if (this.mask.isEmpty)
      return { ...texts, ...defined({ stepRecords, results, secrets, locks, exception }) };
    const { code, type, status } = exception ?? {};
    return {
      ...this.mask.inTexts(texts),
      ...defined({
        stepRecords: this.mask.inData(stepRecords),
        results: this.mask.inData(results),
        secrets,
        locks,
        exception: exception && {
          ...this.mask.inTexts(exception),
          ...defined({ code, type, status }),
        },
      }),
    } as JobChange;
  }
}

function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as never;
}

function nothing(): { kind?: string; change: JobChange; messages: object[] } {
  return { change: {}, messages: [] };
}

function merged(earlier: JobChange, later: JobChange): JobChange {
  const stepRecords = [...(earlier.stepRecords ?? []), ...(later.stepRecords ?? [])];
  return { ...earlier, ...later, ...(stepRecords.length > 0 && { stepRecords }) };
}
