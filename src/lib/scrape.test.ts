import { expect, test } from 'vitest';
import { Scrape } from './scrape.ts';

/** A reading that is answered by hand, and the values it has written. */
function openReading() {
  const pending: { resolve: (write: () => void) => void; reject: (error: Error) => void }[] = [];
  let value: number | undefined = 0;
  return {
    reading: {
      read: () =>
        new Promise<() => void>((resolve, reject) => {
          pending.push({ resolve, reject });
        }),
      forget: () => {
        value = undefined;
      },
    },
    begun: () => pending.length,
    answer: (index: number, next: number) =>
      pending[index]?.resolve(() => {
        value = next;
      }),
    fail: (index: number) => pending[index]?.reject(new Error('Redis is away')),
    value: () => value,
  };
}

test('what was read is written', async () => {
  const scrape = new Scrape();
  const one = openReading();
  scrape.add(one.reading);

  const refreshed = scrape.refresh();
  one.answer(0, 7);
  await refreshed;

  expect(one.value()).toBe(7);
});

test('what fails is forgotten, and spoils nothing else', async () => {
  const scrape = new Scrape();
  const [one, other] = [openReading(), openReading()];
  scrape.add(one.reading);
  scrape.add(other.reading);
  scrape.add({
    read: () => {
      throw new Error('at once');
    },
    forget: () => {},
  });

  const refreshed = scrape.refresh();
  one.fail(0);
  other.answer(0, 7);
  await refreshed;

  expect([one.value(), other.value()]).toEqual([undefined, 7]);
});

test('what hangs is given up after a second, not begun again, and never written late', async () => {
  const scrape = new Scrape();
  const one = openReading();
  scrape.add(one.reading);
  const startedMs = performance.now();

  await scrape.refresh();
  const tookMs = performance.now() - startedMs;
  await scrape.refresh();

  expect(one.begun()).toBe(1);
  expect(one.value()).toBeUndefined();
  expect(tookMs).toBeGreaterThan(900);
  expect(tookMs).toBeLessThan(5_000);
  const refreshed = scrape.refresh();
  one.answer(0, 7); // the one that is waited for now is the first still
  await refreshed;
  expect(one.value()).toBe(7);
});
