import { expect, test } from 'vitest';
import { AttemptStopped } from './attempt.ts';
import { fenced } from './fenced.ts';

class Shelf {
  readonly #kept: string[] = [];

  get count(): number {
    return this.#kept.length;
  }

  read(): string[] {
    return [...this.#kept];
  }

  async keep(text: string): Promise<void> {
    this.#kept.push(text);
  }
}

test('an attempt that has lost its job reads on, and keeps nothing', async () => {
  const shelf = new Shelf();
  let isLost = false;
  const guard = async () => {
    if (isLost) throw new AttemptStopped('lost');
  };
  const lent = fenced(shelf, guard, ['keep']);
  await lent.keep('while it has the job');
  isLost = true;

  await expect(lent.keep('afterwards')).rejects.toThrow(AttemptStopped);
  expect(lent.read()).toEqual(['while it has the job']);
  expect(lent.count).toBe(1);
});
