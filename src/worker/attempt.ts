import { FencedOffError, type JobChange } from '../jobs/job-change.ts';
import { isFinal } from '../jobs/job-record.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import type { Log } from '../lib/log.ts';
import { pause } from '../lib/wait.ts';

/**
 * Why an attempt stops. `dismissed` and `deadline` undo what was begun; `draining` and `lost` touch
 * nothing, for another attempt goes on.
 */
export type StopReason = 'dismissed' | 'deadline' | 'draining' | 'lost';

export class AttemptStopped extends Error {
  override readonly name = 'AttemptStopped';
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(`The attempt stops: ${reason}`);
    this.reason = reason;
  }
}

type AttemptOptions = {
  records: JobRecords;
  jobId: string;
  number: number;
  lockMs: number;
  log: Log;
};

/** In lock times: a worker that is cut off from Redis asks a site nothing for so long. Then it goes on looking. */
const pausesForRenewal = 20;

/** One run of a job in this process, with the fence that all it does goes through. */
export class Attempt {
  readonly jobId: string;
  readonly number: number;
  readonly #records: JobRecords;
  readonly #lockMs: number;
  readonly #log: Log;
  #hard = new AbortController();
  #soft = new AbortController();
  #phase: 'do' | 'undo' = 'do';
  #renewedMs = Date.now();
  #promoted: string[] = [];

  constructor(options: AttemptOptions) {
    this.jobId = options.jobId;
    this.number = options.number;
    this.#records = options.records;
    this.#lockMs = options.lockMs;
    this.#log = options.log;
  }

  /** Ends requests that are under way. */
  get signal(): AbortSignal {
    return this.#hard.signal;
  }

  get stopReason(): StopReason | undefined {
    const reason: unknown = this.#hard.signal.aborted
      ? this.#hard.signal.reason
      : this.#soft.signal.reason;
    return reason instanceof AttemptStopped ? reason.reason : undefined;
  }

  /** The jobs that may go on because this one ended. */
  get promoted(): string[] {
    return this.#promoted;
  }

  stop(reason: StopReason): void {
    if (this.#phase === 'undo' && (reason === 'dismissed' || reason === 'deadline')) return;
    this.#log.info({ jobId: this.jobId, attempt: this.number, reason }, 'Attempt stops');
    this.#hard.abort(new AttemptStopped(reason));
  }

  /** Asks to hand over at the next record or pause; what is under way may end first. */
  drain(): void {
    this.#soft.abort(new AttemptStopped('draining'));
  }

  /** From here on what was begun is put back: a dismissal or a deadline does not stop that. */
  beginUndo(): void {
    this.#phase = 'undo';
    const reason = this.#hard.signal.aborted ? this.stopReason : undefined;
    if (reason === 'dismissed' || reason === 'deadline') this.#hard = new AbortController();
  }

  /** The lock in BullMQ was renewed. */
  renewed(): void {
    this.#renewedMs = Date.now();
  }

  /** @throws AttemptStopped where the attempt should hand over */
  checkpoint(): void {
    this.#hard.signal.throwIfAborted();
    this.#soft.signal.throwIfAborted();
  }

  /** Lasts longer while it is not known whether the job is still ours: a site is not asked by two attempts. */
  async pause(ms: number): Promise<void> {
    await this.#pause(ms);
    await this.#untilRenewed(pausesForRenewal);
  }

  /**
   * Asked right before every request that changes something on a site.
   *
   * @throws AttemptStopped when another attempt has the job, when the job was dismissed, or when it
   * cannot be told because the lock was not renewed in time
   */
  readonly guard = async (): Promise<void> => {
    for (let isRecent = false; !isRecent; ) {
      this.checkpoint();
      await this.#untilRenewed();
      const askedMs = Date.now();
      const fence = await this.#records.readFence(this.jobId);
      if (fence?.attempt !== this.number) this.stop('lost');
      else if (this.#phase === 'do' && isFinal(fence.status)) this.stop('dismissed');
      else if (!this.#isLockFresh()) this.stop('lost');
      this.#hard.signal.throwIfAborted();
      // An answer that was long under way tells how it was then: it is asked for again.
      isRecent = Date.now() - askedMs < this.#lockMs / 4;
    }
  };

  /** @throws AttemptStopped `lost` when a later attempt exists */
  async write(kind: string, change: JobChange, messages: object[] = []): Promise<void> {
    try {
      const promoted = await this.#records.change(this.jobId, this.number, kind, change, messages);
      this.#promoted.push(...promoted);
    } catch (error) {
      if (!(error instanceof FencedOffError)) throw error;
      this.stop('lost');
      throw new AttemptStopped('lost');
    }
  }

  /** Messages alone change nothing, so they are not fenced. */
  appendLog(messages: object[]): Promise<void> {
    return this.#records.appendLog(this.jobId, ...messages);
  }

  #isLockFresh(): boolean {
    return Date.now() - this.#renewedMs < this.#lockMs;
  }

  /** After a stall of Redis or of this process the lock may still be ours: the next renewal tells. */
  async #untilRenewed(lockTimes = 1): Promise<void> {
    const deadlineMs = Date.now() + lockTimes * this.#lockMs;
    while (!this.#isLockFresh() && Date.now() < deadlineMs) await this.#pause(this.#lockMs / 20);
  }

  async #pause(ms: number): Promise<void> {
    await pause(ms, AbortSignal.any([this.#hard.signal, this.#soft.signal]));
  }
}
