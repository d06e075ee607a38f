import { hostname, userInfo } from 'node:os';
import type { ArcpyConfig } from '../lib/arcpy-config.ts';
import type { GatewayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import {
  ArcpyCrashedError,
  ArcpySilentError,
  ArcpyUnavailableError,
  isStartFault,
  type Place,
  toArcpyError,
} from './arcpy-errors.ts';
import { ArcpyProcess, FaultOfPython } from './arcpy-process.ts';
import { ArcpySession, type Ask, type ToolDescription } from './arcpy-session.ts';
import type { PythonCommand } from './find-python.ts';
import { JobFolders } from './job-folder.ts';
import { RuntimeProbe } from './runtime-probe.ts';

export type ArcpyRuntimeOptions = {
  command: PythonCommand;
  config: ArcpyConfig;
  /** Of the Python process. */
  env: NodeJS.ProcessEnv;
  workFolder: string;
  log: Log;
};

export type UseOptions = {
  signal: AbortSignal;
  onProgress?: (phase: string, message: string) => void;
  /** Hears that the work begins anew in a fresh process, and why. */
  onFreshStart?: (error: GatewayError) => void;
};

/** A process that is kept warm, and what has become of it. */
type Slot = {
  isTaken: boolean;
  running: ArcpyProcess | undefined;
  jobs: number;
  firstBytes: number;
  isSpent: boolean;
  probe: RuntimeProbe | undefined;
};

/**
 * ArcPy on this machine: processes that are kept warm, for a start takes tens of seconds, each with one job at a
 * time. One is ended after so many jobs, when it has grown, and after whatever may have harmed it.
 */
export class ArcpyRuntime {
  readonly #options: ArcpyRuntimeOptions;
  readonly #folders: JobFolders;
  readonly #slots: Slot[];
  readonly #line: (() => void)[] = [];
  readonly #closed = new AbortController();
  #starts = 0;
  #jobs = 0;

  constructor(options: ArcpyRuntimeOptions) {
    this.#options = options;
    this.#folders = new JobFolders(options.workFolder);
    this.#slots = Array.from({ length: options.config.processes }, () => ({
      isTaken: false,
      running: undefined,
      jobs: 0,
      firstBytes: 0,
      isSpent: false,
      probe: undefined,
    }));
  }

  get counts(): { starts: number; jobs: number; busy: number } {
    const busy = this.#slots.filter(({ isTaken }) => isTaken).length;
    return { starts: this.#starts, jobs: this.#jobs, busy };
  }

  async open(): Promise<void> {
    await this.#folders.open();
  }

  /**
   * What this ArcPy is; the process that told it is kept.
   *
   * @throws ArcpyUnavailableError
   */
  async probe(signal: AbortSignal): Promise<RuntimeProbe> {
    return await this.#withSlot(signal, async (slot) => {
      await this.#getProcess(slot, signal);
      if (!slot.probe) throw new Error('A process was started without a probe');
      return slot.probe;
    });
  }

  /** The tools of the allow-list that belong to the system. */
  async describeTools(names: readonly string[], signal: AbortSignal): Promise<ToolDescription[]> {
    if (names.length === 0) return [];
    return await this.use({ signal }, (session) => session.describeTools(names));
  }

  /**
   * Gives the work a process of its own and a folder that is removed afterwards. What a crash or a silence broke off
   * is tried once more, in a fresh process.
   */
  async use<T>(options: UseOptions, work: (session: ArcpySession) => Promise<T>): Promise<T> {
    try {
      return await this.#once(options, work);
    } catch (error) {
      if (!(error instanceof ArcpyCrashedError || error instanceof ArcpySilentError)) throw error;
      options.onFreshStart?.(error);
      return await this.#once(options, work).catch((again: unknown) => {
        throw toSecondFailure(again);
      });
    }
  }

  /** Ends all processes; work under way fails. May be called twice. */
  async close(): Promise<void> {
    this.#closed.abort(new Error('ArcPy is closed'));
    await Promise.all(this.#slots.map(({ running }) => running?.kill()));
    await this.#folders.close();
  }

  async #once<T>(options: UseOptions, work: (session: ArcpySession) => Promise<T>): Promise<T> {
    return await this.#withSlot(options.signal, async (slot) => {
      const folder = await this.#folders.create();
      try {
        const running = await this.#getProcess(slot, options.signal);
        const ask = this.#ask(running, slot, options);
        await ask('begin', { folder }, { task: 'its start', patience: 'short' });
        slot.jobs += 1;
        this.#jobs += 1;
        const outcome = await work(new ArcpySession(folder, ask));
        await ask('end', {}, { task: 'tidying up', patience: 'short' });
        return outcome;
      } catch (error) {
        // What happened in our own part leaves it in the folder of this job, so it cannot be used on.
        await this.#leave(slot);
        throw error;
      } finally {
        await this.#recycleIfSpent(slot);
        await this.#folders.remove(folder);
      }
    });
  }

  /** After a failure the process is asked to tidy up; one that cannot is ended. */
  async #leave(slot: Slot): Promise<void> {
    const { running } = slot;
    if (!running?.isAlive) return;
    await running
      .call('end', {}, { task: 'tidying up', silenceMs: 10_000 })
      .catch(() => running.kill());
  }

  async #recycleIfSpent(slot: Slot): Promise<void> {
    const { running } = slot;
    if (!running) return;
    const { jobsPerProcess, maxGrowthMiB } = this.#options.config;
    const grownBytes = running.residentBytes - slot.firstBytes;
    const isSpent =
      slot.isSpent || slot.jobs >= jobsPerProcess || grownBytes > maxGrowthMiB * 2 ** 20;
    if (running.isAlive && !isSpent) return;
    this.#options.log.info(
      { pid: running.pid, jobs: slot.jobs, grownBytes, isAlive: running.isAlive },
      'An ArcPy process is replaced',
    );
    await running.kill();
    slot.running = undefined;
  }

  /** @throws ArcpyUnavailableError */
  async #getProcess(slot: Slot, signal: AbortSignal): Promise<ArcpyProcess> {
    if (slot.running?.isAlive) return slot.running;
    const { command, config, env, log } = this.#options;
    const startMs = config.startSeconds * 1000;
    this.#starts += 1;
    const running = await ArcpyProcess.start({
      ...{ command, env, log, startMs },
      folder: this.#folders.root,
    });
    Object.assign(slot, { running, jobs: 0, firstBytes: 0, isSpent: false });
    try {
      // It imports ArcPy now, so that the patience with a job is not used up by it.
      const asking = { task: 'its start', patience: 'short' } as const;
      slot.probe = RuntimeProbe.parse(
        await this.#ask(running, slot, { signal })('probe', {}, asking),
      );
    } catch (error) {
      await running.kill();
      slot.running = undefined;
      if (!(error instanceof ArcpyCrashedError || error instanceof ArcpySilentError)) throw error;
      throw new ArcpyUnavailableError(`ArcPy does not start on ${hostname()}: ${error.message}`, {
        cause: error,
        facts: error.facts,
      });
    }
    slot.firstBytes = running.residentBytes;
    return running;
  }

  #ask(running: ArcpyProcess, slot: Slot, { signal, onProgress }: UseOptions): Ask {
    const { startSeconds, silenceSeconds, stagingSeconds } = this.#options.config;
    const either = AbortSignal.any([signal, this.#closed.signal]);
    return async (op, args, { task, patience }) => {
      const seconds =
        op === 'probe' ? startSeconds : patience === 'long' ? stagingSeconds : silenceSeconds;
      const silenceMs = seconds * 1000;
      try {
        return await running.call(op, args, {
          ...{ task, silenceMs, signal: either },
          ...(onProgress && { onProgress }),
        });
      } catch (error) {
        if (!(error instanceof FaultOfPython)) throw error;
        if (error.fault.recycle || isStartFault(error.fault)) slot.isSpent = true;
        if (isStartFault(error.fault)) await running.kill();
        throw toArcpyError(error.fault, await this.#readPlace());
      }
    };
  }

  async #readPlace(): Promise<Place> {
    return {
      machine: hostname(),
      account: accountName(),
      folder: this.#options.workFolder,
      freeBytes: await this.#folders.readFreeBytes(),
    };
  }

  async #withSlot<T>(signal: AbortSignal, work: (slot: Slot) => Promise<T>): Promise<T> {
    const slot = await this.#takeSlot(signal);
    try {
      return await work(slot);
    } finally {
      slot.isTaken = false;
      this.#line.shift()?.();
    }
  }

  async #takeSlot(signal: AbortSignal): Promise<Slot> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    for (;;) {
      either.throwIfAborted();
      const free = this.#slots.find(({ isTaken }) => !isTaken);
      if (free) {
        free.isTaken = true;
        return free;
      }
      await this.#waitForTurn(either);
    }
  }

  async #waitForTurn(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#line.splice(this.#line.indexOf(turn), 1);
        reject(signal.reason as Error);
      };
      const turn = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      this.#line.push(turn);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'this account'; // an account without an entry, as in some containers
  }
}

function toSecondFailure(error: unknown): unknown {
  if (!(error instanceof ArcpyCrashedError || error instanceof ArcpySilentError)) return error;
  const text = `${error.message} It was tried twice, the second time in a fresh process.`;
  const Class = error instanceof ArcpyCrashedError ? ArcpyCrashedError : ArcpySilentError;
  return new Class(text, { cause: error, facts: error.facts });
}
