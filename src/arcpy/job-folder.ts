import { mkdir, mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Folders of jobs, below one of this process. Each is for its owner alone: drafts may hold passwords. */
export class JobFolders {
  readonly root: string;
  readonly #parent: string;

  constructor(parent: string) {
    this.#parent = parent;
    this.root = join(parent, `pressroom-arcpy-${hostname()}-${process.pid}`);
  }

  async open(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    await this.#removeForsaken();
  }

  /** What processes of this machine left that were killed. */
  async #removeForsaken(): Promise<void> {
    const ours = `pressroom-arcpy-${hostname()}-`;
    for (const name of await readdir(this.#parent)) {
      const pid = name.startsWith(ours) ? Number(name.slice(ours.length)) : Number.NaN;
      if (!Number.isInteger(pid) || pid === process.pid || isRunning(pid)) continue;
      // One of another account stays; another worker may remove it at the same time.
      await rm(join(this.#parent, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }

  async create(): Promise<string> {
    await this.#removeForsaken();
    return await mkdtemp(join(this.root, 'job-'));
  }

  /** Windows lets go of files a moment after the process that held them has ended. */
  async remove(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async readFreeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.root);
    return bavail * bsize;
  }

  async close(): Promise<void> {
    await this.remove(this.root);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
