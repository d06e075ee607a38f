import type { ChildProcess } from 'node:child_process';
import { DocumentError } from '../lib/errors.ts';
import { type ArchiveChild, hold, release, startArchiveChild } from './archive-child-start.ts';
import type { ArchiveLimits } from './archive-limits.ts';
import type { ArchiveAnswer, ArchiveFault, ArchiveTask } from './archive-task.ts';

export type ArchiveProcessOptions = {
  limits: ArchiveLimits;
  /** A process that nobody asks ends after this. */
  idleMs: number;
  maxHeapMiB: number;
};

type RunOptions = { timeoutMs: number; signal?: AbortSignal | undefined };

/** The process is given a moment to say itself that its time is over. */
const graceMs = 1_000;

/**
 * One process that reads archives, one task at a time: started when it is first needed, killed and replaced
 * when it takes too long, ended when idle. It does not keep ours alive.
 */
export class ArchiveProcess {
  readonly #options: ArchiveProcessOptions;
  readonly #line: (() => void)[] = [];
  #isBusy = false;
  #isClosed = false;
  #running: ArchiveChild | undefined;
  #idle: NodeJS.Timeout | undefined;
  #nextId = 1;

  constructor(options: ArchiveProcessOptions) {
    this.#options = options;
  }

  /**
   * @throws DocumentError when the archive is refused, takes too long, or kills the process
   * @throws the signal's reason
   */
  async run(task: ArchiveTask, { timeoutMs, signal }: RunOptions): Promise<unknown> {
    signal?.throwIfAborted();
    await this.#takeTurn(signal);
    try {
      if (this.#isClosed) throw new Error('The document reader is closed');
      clearTimeout(this.#idle);
      this.#running ??= this.#start();
      return await this.#exchange(this.#running, task, { timeoutMs, signal });
    } finally {
      this.#passTurn();
    }
  }

  /** Of the process, while there is one. */
  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /** Ends the process; a task under way fails. May be called twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    const running = this.#running;
    if (!running) return;
    const { child } = running;
    hold(child); // else our process could end before the other one and never come to what follows
    const gone = new Promise((resolve) => child.once('exit', resolve));
    this.#kill(running);
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) await gone;
  }

  #start(): ArchiveChild {
    const running = startArchiveChild(this.#options.maxHeapMiB);
    running.child.once('exit', () => this.#forget(running)); // also when it ends while idle
    return running;
  }

  async #takeTurn(signal: AbortSignal | undefined): Promise<void> {
    if (!this.#isBusy) {
      this.#isBusy = true;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const turn = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#line.splice(this.#line.indexOf(turn), 1);
        reject(signal?.reason as Error);
      };
      this.#line.push(turn);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  #passTurn(): void {
    const next = this.#line.shift();
    if (next) {
      next();
      return;
    }
    this.#isBusy = false;
    const running = this.#running;
    if (!running) return;
    this.#idle = setTimeout(() => this.#kill(running), this.#options.idleMs);
    this.#idle.unref();
  }

  async #exchange(running: ArchiveChild, task: ArchiveTask, options: RunOptions): Promise<unknown> {
    const { child } = running;
    hold(child);
    const cleanUp: (() => void)[] = [];
    try {
      const interrupted = this.#watch(running, options.signal, cleanUp);
      await Promise.race([running.ready, interrupted]);
      const tooLate = this.#startClock(running, options.timeoutMs, cleanUp);
      return await Promise.race([this.#ask(child, task, options, cleanUp), interrupted, tooLate]);
    } finally {
      for (const undo of cleanUp) undo();
      release(child);
    }
  }

  /** Rejects when the process ends or the caller gives up. */
  #watch(running: ArchiveChild, signal: AbortSignal | undefined, cleanUp: (() => void)[]) {
    const { child, lastWords } = running;
    return new Promise<never>((_, reject) => {
      const ended = (code: number | null, killedBy: NodeJS.Signals | null) => {
        this.#forget(running);
        reject(toEndError({ code, killedBy, isOurs: this.#isClosed, lastWords: lastWords() }));
      };
      const aborted = () => {
        this.#kill(running);
        reject(signal?.reason as Error);
      };
      child.once('exit', ended);
      signal?.addEventListener('abort', aborted, { once: true });
      cleanUp.push(() => child.off('exit', ended));
      cleanUp.push(() => signal?.removeEventListener('abort', aborted));
    });
  }

  #startClock(running: ArchiveChild, timeoutMs: number, cleanUp: (() => void)[]) {
    return new Promise<never>((_, reject) => {
      const clock = setTimeout(() => {
        this.#kill(running);
        reject(takesTooLong(timeoutMs));
      }, timeoutMs + graceMs);
      cleanUp.push(() => clearTimeout(clock));
    });
  }

  #ask(child: ChildProcess, task: ArchiveTask, { timeoutMs }: RunOptions, cleanUp: (() => void)[]) {
    const id = this.#nextId++;
    return new Promise<unknown>((resolve, reject) => {
      const answered = (answer: ArchiveAnswer) => {
        if (answer.id !== id) return;
        if ('fault' in answer) reject(toError(answer.fault, timeoutMs));
        else resolve(answer.result);
      };
      child.on('message', answered);
      cleanUp.push(() => child.off('message', answered));
      const { limits } = this.#options;
      child.send({ id, task, limits, deadline: Date.now() + timeoutMs }, (error) => {
        if (error) reject(error);
      });
    });
  }

  #kill(running: ArchiveChild): void {
    running.child.kill('SIGKILL'); // it holds nothing that could be lost
    this.#forget(running);
  }

  #forget(running: ArchiveChild): void {
    if (this.#running === running) this.#running = undefined;
  }
}

function toError(fault: ArchiveFault, timeoutMs: number): Error {
  if (fault.kind === 'document') {
    return new DocumentError(fault.code, fault.message, { facts: fault.facts });
  }
  if (fault.kind === 'deadline') return takesTooLong(timeoutMs);
  return Object.assign(new Error(fault.message), fault.code ? { code: fault.code } : {});
}

function takesTooLong(timeoutMs: number): DocumentError {
  return new DocumentError(
    'archive_rejected',
    `The archive is not accepted: reading it took longer than ${timeoutMs / 1_000} s.`,
  );
}

type End = {
  code: number | null;
  killedBy: NodeJS.Signals | null;
  isOurs: boolean;
  lastWords: string;
};

/** Running out of memory ends Node with SIGABRT or 134; anything else is a fault of ours or an operator's. */
function toEndError({ code, killedBy, isOurs, lastWords }: End): Error {
  if (isOurs) return new Error('The document reader is closed');
  if (killedBy === 'SIGABRT' || code === 134 || /heap out of memory/i.test(lastWords)) {
    return new DocumentError(
      'archive_rejected',
      'The archive is not accepted: reading it takes more memory than is allowed.',
    );
  }
  return new Error(
    `The process that reads archives ended (${killedBy ?? code}): ${lastWords.trim()}`,
  );
}
