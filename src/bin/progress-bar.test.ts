import { expect, test } from 'vitest';
import { type Output, ProgressBar } from './progress-bar.ts';

function capture(terminal: Partial<Output> = {}) {
  let written = '';
  const out = {
    ...terminal,
    write: (text: string | Uint8Array) => {
      written += String(text);
      return true;
    },
  };
  return { bar: new ProgressBar(out), written: () => written };
}

const steps = [
  { percent: 0, step: 'check', message: 'Checking' },
  { percent: 4, step: 'check', message: 'Checking' },
  { percent: 50, step: 'await', message: 'The site is publishing' },
];

test('a terminal gets one line that is drawn anew', () => {
  const { bar, written } = capture({ isTTY: true, columns: 80 });
  for (const step of steps) bar.show(step);
  bar.end();

  const drawn = written().split('\r\x1b[2K');
  expect(drawn).toHaveLength(4);
  expect(drawn[3]).toBe(`${'█'.repeat(12)}${'░'.repeat(12)}  50 %  The site is publishing\n`);
});

test('no line is wider than the terminal', () => {
  const { bar, written } = capture({ isTTY: true, columns: 40 });
  bar.show({ percent: 50, step: 'await', message: 'a message that is longer than there is room' });

  expect([...written().replace('\r\x1b[2K', '')]).toHaveLength(39);
});

test('elsewhere there is one line for each step', () => {
  const { bar, written } = capture();
  for (const step of steps) bar.show(step);
  bar.end();

  expect(written()).toBe('  0 %  check      Checking\n 50 %  await      The site is publishing\n');
});
