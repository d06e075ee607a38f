import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { readApart } from './incoming-stream.ts';

test('what is read apart is what came', async () => {
  const body = new PassThrough();
  const apart = readApart(body);
  body.end('roads');
  expect(await text(apart)).toBe('roads');
});

test('of a caller that has gone already there is nothing to wait for', async () => {
  const body = new PassThrough();
  body.destroy();
  await expect(text(readApart(body))).rejects.toThrow('broke off');
});

test('a caller that goes before anybody reads ends nothing but the reading', async () => {
  const body = new PassThrough();
  const apart = readApart(body);
  body.destroy();
  await new Promise((resolve) => body.once('close', resolve));
  await expect(text(apart)).rejects.toThrow();
});
