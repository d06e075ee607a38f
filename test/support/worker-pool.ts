import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { Gateway } from './gateway.ts';
import type { PressroomProcess } from './pressroom-process.ts';
import { findProductModule } from './product-code.ts';

const entry = fileURLToPath(new URL('./standby-worker.js', import.meta.url));
const readyMs = 90_000;

/** Worker processes that stand by with everything loaded: loading takes far longer than beginning. */
export class WorkerPool {
  readonly #standing: Promise<ChildProcess>[] = [];
  readonly #alive = new Set<ChildProcess>();
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  fill(): void {
    while (this.#standing.length < this.#size) {
      const standing = this.#spawn();
      standing.catch(() => undefined); // whoever takes it hears it
      this.#standing.push(standing);
    }
  }

  /** @returns a worker that is ready and serves the queues of its configuration */
  async start(env: Record<string, string>): Promise<PressroomProcess> {
    this.fill();
    const standing = this.#standing.shift();
    this.fill();
    if (!standing) throw new Error('No worker stands by');
    return begin(await standing, env);
  }

  close(): void {
    for (const child of this.#alive) child.kill('SIGKILL');
  }

  async #spawn(): Promise<ChildProcess> {
    const { nodeArgs, path } = findProductModule('bin/worker');
    const child = spawn(process.execPath, [...nodeArgs, entry, path], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#alive.add(child);
    const endWithUs = () => child.kill('SIGKILL');
    process.once('exit', endWithUs);
    child.once('exit', () => {
      this.#alive.delete(child);
      process.off('exit', endWithUs);
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
    });
    const signal = AbortSignal.timeout(readyMs);
    const ended = once(child, 'exit', { signal }).then(() => {
      throw new Error(`A worker that should stand by ended:\n${said}`);
    });
    ended.catch(() => undefined);
    await Promise.race([once(child, 'message', { signal }), ended]);
    return child;
  }
}

/** As `pressroom worker` with this environment. */
async function begin(child: ChildProcess, env: Record<string, string>): Promise<PressroomProcess> {
  let output = '';
  const ended = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const ready = new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`A worker is not ready:\n${output}`)), readyMs);
    const hear = (chunk: Buffer) => {
      output += chunk.toString('utf8');
      if (!output.includes('Worker is ready')) return;
      clearTimeout(late);
      resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    void ended.then(() => {
      clearTimeout(late);
      reject(new Error(`A worker ended:\n${output}`));
    });
  });
  child.send(env);
  await ready;
  return {
    pid: child.pid ?? 0,
    output: () => output,
    signal: (signal) => child.kill(signal),
    ended,
  };
}

/** Asks a worker to end. @throws Error with all that it logged, when it does not end well */
export async function endWell(worker: PressroomProcess): Promise<void> {
  worker.signal('SIGTERM');
  const { code, signal } = await worker.ended;
  if (code !== 0) throw new Error(`A worker ended with ${signal ?? code}:\n${worker.output()}`);
}

/** What a worker process needs to serve the same Redis, storage and sites as a gateway in this process. */
export async function environmentOf(
  { config, folder, passwords }: Gateway,
  changed: Record<string, unknown> = {},
): Promise<Record<string, string>> {
  const { redis, storage, timing, sites, queue, retention, publishRoots } = config;
  const file = join(folder, `worker-${Object.keys(changed).join('-')}.yaml`);
  const kept = { redis, storage, timing, sites, queue, retention, publishRoots };
  await writeFile(file, stringify({ ...kept, ...changed }));
  return { PRESSROOM_CONFIG: file, ...passwords };
}
