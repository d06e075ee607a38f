import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { toFormBody, toMultipartBody } from './request-body.ts';

test('writes a form, without what is undefined', async () => {
  const body = toFormBody({ f: 'json', number: 100, force: true, missing: undefined, q: 'ä&=' });
  const { value } = await body.open().chunks.next();

  expect(Buffer.from(value).toString()).toBe('f=json&number=100&force=true&q=%C3%A4%26%3D');
  expect(body.lengthBytes).toBe(value.length);
});

test('a connection that ends in the middle of a file is no fault of the file', async () => {
  const source = Readable.from([Buffer.from('one'), Buffer.from('two')]);
  const file = { fieldName: 'itemFile', fileName: 'a.sd', sizeBytes: 6, open: () => source };
  const body = toMultipartBody({}, file).open();
  await body.chunks.next();
  await body.chunks.next();

  await expect(body.chunks.throw(new Error('ECONNRESET'))).rejects.toThrow('ECONNRESET');

  expect(body.sourceFault).toBeUndefined();
  expect(source.destroyed).toBe(true);
});
