import { expect, test } from 'vitest';
import { SecretMask } from './secret-mask.ts';

function maskOf(...values: string[]): SecretMask {
  const mask = new SecretMask();
  for (const value of values) mask.add(value);
  return mask;
}

test.for(['p"a\\ss w&rd', 'pä#ss+word', 'longer than that'])(
  'masks %s however it is written',
  (secret) => {
    const mask = maskOf(secret);
    const written = [secret, JSON.stringify(secret), encodeURIComponent(secret)];
    const form = new URLSearchParams({ password: secret }).toString();

    for (const text of [...written, form]) {
      expect(mask.inText(`<${text}>`)).toMatch(/^<("|password=)?\*\*\*"?>$/);
    }
  },
);

test('leaves nothing of the longer one of two that begin alike', () => {
  expect(maskOf('secret', 'secret-and-more').inText('secret-and-more, secret')).toBe('***, ***');
});

test('goes through JSON, and spares short ones in what programs read', () => {
  const mask = maskOf('gisdb', 'long-enough');
  const value = { path: '/x/gisdb', list: ['long-enough', 1, null], is: true };

  expect(mask.inTexts(value)).toEqual({ path: '/x/***', list: ['***', 1, null], is: true });
  expect(mask.inData(value)).toEqual({ path: '/x/gisdb', list: ['***', 1, null], is: true });
});

test('masks an error and keeps its name', () => {
  const error = new TypeError('cannot read canary-1');

  expect(maskOf('canary-1').inError(error)).toMatchObject({
    name: 'TypeError',
    message: 'cannot read ***',
    stack: expect.not.stringContaining('canary-1'),
  });
  expect(maskOf().inError(error)).toBe(error);
});
