import type { WriteStream } from 'node:tty';

export type Output = Pick<WriteStream, 'write'> & { isTTY?: boolean; columns?: number };

export type Progress = { percent: number; step: string; message: string };

const cells = 24;

/** One line that is drawn anew in a terminal; elsewhere, such as in a build's log, one line per step. */
export class ProgressBar {
  readonly #out: Output;
  #lastStep: string | undefined;

  constructor(out: Output) {
    this.#out = out;
  }

  show(progress: Progress): void {
    if (this.#out.isTTY) {
      this.#out.write(`\r\x1b[2K${toLine(progress, this.#out.columns || 80)}`);
    } else if (progress.step !== this.#lastStep) {
      this.#out.write(`${toPlainLine(progress)}\n`);
    }
    this.#lastStep = progress.step;
  }

  /** Leaves the bar where it is. */
  end(): void {
    if (this.#out.isTTY && this.#lastStep !== undefined) this.#out.write('\n');
  }
}

function toLine({ percent, message }: Progress, columns: number): string {
  const full = Math.round((percent / 100) * cells);
  const bar = '█'.repeat(full) + '░'.repeat(cells - full);
  const line = `${bar} ${String(percent).padStart(3)} %  ${message}`;
  return [...line].slice(0, Math.max(1, columns - 1)).join(''); // a longer one would wrap and stay
}

function toPlainLine({ percent, step, message }: Progress): string {
  return `${String(percent).padStart(3)} %  ${step.padEnd(10)} ${message}`;
}
