import { type ChildProcess, execFile, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { GatewayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { redactSecrets } from '../lib/redact.ts';
import { ArcpyCrashedError, ArcpySilentError, ArcpyUnavailableError } from './arcpy-errors.ts';
import { type Fault, type Line, parseLine } from './arcpy-protocol.ts';
import type { PythonCommand } from './find-python.ts';

const script = fileURLToPath(new URL('./scripts/run.py', import.meta.url));
const keptWords = 8_000;
const longestLine = 64 * 2 ** 20;
const longestNoise = 64 * 2 ** 10;
/** How long the pipes of a process that has ended may stay open. */
const pipesMs = 1_000;

export type CallOptions = {
  /** In words, for the problem: what is under way. */
  task: string;
  /** Patience with a process that says nothing. */
  silenceMs: number;
  signal?: AbortSignal | undefined;
  onProgress?: (phase: string, message: string) => void;
};

/** The Python side refused; `fault` says why. */
export class FaultOfPython extends Error {
  override readonly name = 'FaultOfPython';
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

type Waiting = {
  id: number;
  hear: () => void;
  progress: (phase: string, message: string) => void;
  settle: (line: Extract<Line, { kind: 'result' | 'error' }>) => void;
  fail: (error: Error) => void;
};

export type StartOptions = {
  command: PythonCommand;
  env: NodeJS.ProcessEnv;
  /** Working directory until a job begins. */
  folder: string;
  startMs: number;
  log: Log;
};

/**
 * One Python process. It answers one request at a time, a JSON document per line; what it prints otherwise is
 * noise, and kept only to say why it ended. It ends by itself when our process does.
 */
export class ArcpyProcess {
  readonly #child: ChildProcess;
  readonly #log: Log;
  readonly #gone: Promise<void>;
  #waiting: Waiting | undefined;
  #hello: ((line: Line) => void) | undefined;
  #words = '';
  #nextId = 1;
  #end: { code: number | null; killedBy: NodeJS.Signals | null } | undefined;
  /** As the process told it last. */
  residentBytes = 0;

  private constructor({ command, env, folder, log }: StartOptions) {
    this.#log = log;
    // A group of its own: tools/python3 is a script that starts the interpreter, and all of it has to go.
    this.#child = spawn(command.file, [...command.args, script], {
      cwd: folder,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    this.#child.stdin?.on('error', () => {}); // the exit says it
    this.#listen();
    this.#gone = new Promise((resolve) => {
      const ended = (code: number | null, killedBy: NodeJS.Signals | null) => {
        this.#end ??= { code, killedBy };
        resolve();
      };
      this.#child.once('close', ended);
      this.#child.once('exit', (code, killedBy) => {
        // What it started outlives a crash: it goes with it. What left its group may still hold the pipes.
        const { pid } = this.#child;
        if (pid !== undefined && process.platform !== 'win32') killGroup(pid);
        setTimeout(ended, pipesMs, code, killedBy).unref();
      });
      this.#child.once('error', (error) => {
        this.#words += error.message;
        ended(null, null);
      });
    });
    void this.#gone.then(() => this.#waiting?.fail(this.#toEndError()));
  }

  /** @throws ArcpyUnavailableError when it does not start, or not in time */
  static async start(options: StartOptions): Promise<ArcpyProcess> {
    const started = new ArcpyProcess(options);
    let clock: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        started.#hello = () => resolve();
        void started.#gone.then(() => reject(started.#toStartError(options.command)));
        clock = setTimeout(() => reject(started.#tooSlow(options)), options.startMs);
      });
      return started;
    } catch (error) {
      await started.kill();
      throw error;
    } finally {
      clearTimeout(clock);
      started.#hello = undefined;
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isAlive(): boolean {
    return this.#end === undefined;
  }

  /**
   * @throws FaultOfPython, ArcpyCrashedError, ArcpySilentError; after the last two, or the signal's reason, the
   * process has been ended
   */
  async call(op: string, args: object, options: CallOptions): Promise<unknown> {
    options.signal?.throwIfAborted();
    if (!this.isAlive) throw this.#toEndError(options.task);
    const id = this.#nextId++;
    let clock: NodeJS.Timeout | undefined;
    let aborted: (() => void) | undefined;
    try {
      return await new Promise<unknown>((resolve, reject) => {
        const wind = () => {
          clearTimeout(clock);
          clock = setTimeout(() => reject(toSilence(options)), options.silenceMs);
        };
        wind();
        aborted = () => reject(options.signal?.reason as Error);
        options.signal?.addEventListener('abort', aborted, { once: true });
        this.#waiting = {
          id,
          hear: wind,
          progress: (phase, message) => options.onProgress?.(phase, message),
          settle: (line) =>
            line.kind === 'result' ? resolve(line.value) : reject(new FaultOfPython(line)),
          fail: () => reject(this.#toEndError(options.task)),
        };
        this.#child.stdin?.write(`${JSON.stringify({ id, op, arguments: args })}\n`);
      });
    } catch (error) {
      if (!(error instanceof FaultOfPython)) await this.kill();
      throw error;
    } finally {
      clearTimeout(clock);
      if (aborted) options.signal?.removeEventListener('abort', aborted);
      this.#waiting = undefined;
    }
  }

  /** Ends it and all that it started; there is nothing in it to be lost. May be called twice. */
  async kill(): Promise<void> {
    const { pid } = this.#child;
    if (pid !== undefined && this.isAlive) {
      if (process.platform === 'win32')
        execFile('taskkill', ['/pid', String(pid), '/T', '/F'], () => {});
      else killGroup(pid);
    }
    await this.#gone;
  }

  #listen(): void {
    onLines(this.#child.stdout, longestLine, (line) => this.#hear(line.trim()));
    // Whole lines, for a secret that is cut in two is not known as one; who prints without an end lives, too.
    onLines(this.#child.stderr, longestNoise, (line) => this.#hearNoise(`${line}\n`));
    this.#child.stderr?.on('data', () => this.#waiting?.hear());
  }

  #hear(text: string): void {
    if (text === '') return;
    const line = parseLine(text);
    if (!line) {
      this.#hearNoise(`${text}\n`);
      return;
    }
    if (line.kind === 'hello') {
      this.#hello?.(line);
      return;
    }
    const waiting = this.#waiting;
    if (waiting?.id !== line.id) return; // an answer that nobody waits for any more
    waiting.hear();
    if (line.kind === 'progress') {
      waiting.progress(line.phase, redactSecrets(line.message));
      return;
    }
    this.residentBytes = line.residentBytes;
    waiting.settle(line);
  }

  /** Who prints lives. */
  #hearNoise(text: string): void {
    this.#words = (this.#words + text).slice(-keptWords);
    this.#waiting?.hear();
    this.#log.debug({ pid: this.pid, text: redactSecrets(text).slice(0, 2_000) }, 'ArcPy prints');
  }

  #lastWords(): string {
    return redactSecrets(this.#words.trim().split(/\r?\n/).slice(-3).join(' ')).slice(-500);
  }

  #toEndError(task = 'its work'): GatewayError {
    const how = inWords(this.#end);
    const words = this.#lastWords();
    return new ArcpyCrashedError(
      `ArcPy ended in the middle of ${task}: ${how}.${words ? ` Its last words: ${words}` : ''}`,
      { facts: { exitCode: this.#end?.code ?? null, killedBy: this.#end?.killedBy ?? null } },
    );
  }

  #toStartError({ file }: PythonCommand): GatewayError {
    const words = this.#lastWords();
    return new ArcpyUnavailableError(
      `${file} did not start: ${words || inWords(this.#end)}. Check arcpy.python.`,
    );
  }

  #tooSlow({ command, startMs }: StartOptions): GatewayError {
    return new ArcpyUnavailableError(
      `${command.file} did not start within ${Math.round(startMs / 1000)} s.`,
    );
  }
}

/** A line that is longer than allowed is dropped, all of it; the last one needs no end. */
function onLines(stream: Readable | null, longest: number, hear: (line: string) => void): void {
  let rest = '';
  let isTooLong = false;
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    rest += chunk;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      if (!isTooLong) hear(rest.slice(0, end));
      isTooLong = false;
      rest = rest.slice(end + 1);
    }
    isTooLong ||= rest.length > longest;
    if (isTooLong) rest = '';
  });
  stream?.once('end', () => {
    if (rest !== '' && !isTooLong) hear(rest);
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended by itself
  }
}

function toSilence({ task, silenceMs }: CallOptions): ArcpySilentError {
  return new ArcpySilentError(
    `ArcPy has said nothing for ${Math.round(silenceMs / 1000)} s in ${task}; it was ended. Most often an invisible sign-in or licence window: a connection file that holds no password, or a database that waits for a lock.`,
    { facts: { task, silentSeconds: silenceMs / 1000 } },
  );
}

/** A shell that starts the interpreter tells a signal as 128 and its number. */
function inWords(
  end: { code: number | null; killedBy: NodeJS.Signals | null } | undefined,
): string {
  const { code = null, killedBy = null } = end ?? {};
  if (killedBy === 'SIGSEGV' || code === 139)
    return 'a memory fault in native code (exit code 139)';
  if (code === 3_221_225_477) return 'a memory fault in native code (0xC0000005)';
  if (killedBy === 'SIGKILL' || code === 137)
    return 'it was killed from outside, most often because memory ran out (exit code 137)';
  if (killedBy === 'SIGABRT' || code === 134) return 'it gave itself up (exit code 134)';
  return killedBy ? `signal ${killedBy}` : `exit code ${code ?? 'unknown'}`;
}
