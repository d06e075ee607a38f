import { expect, test } from 'vitest';
import { RequestError } from '../lib/errors.ts';
import { linkToUpload, readLink, uploadIdOf } from './file-link.ts';

const uploadId = '0197a3f0-1111-7abc-8def-0123456789ab';
const roots = ['https://publish.example.org', 'http://127.0.0.1:8080'];

test('a link that we made leads to its upload', () => {
  expect(uploadIdOf(linkToUpload(uploadId), [])).toBe(uploadId);
});

test.for([
  `/v1/uploads/${uploadId}`,
  `/v1/uploads/${uploadId.toUpperCase()}`,
  ...roots.map((root) => `${root}/v1/uploads/${uploadId}`),
])('%s', (href) => {
  expect(uploadIdOf({ href }, roots)).toBe(uploadId);
});

test('a link to the file that a job made is told apart', () => {
  const href = `${roots[0]}/v1/artifacts/${uploadId}`;
  expect(readLink({ href }, roots)).toEqual({ kind: 'artifact', id: uploadId });
  expect(readLink(linkToUpload(uploadId), [])).toEqual({ kind: 'upload', id: uploadId });
  expect(() => uploadIdOf({ href }, roots)).toThrow(/no upload|does not lead to an upload/i);
});

test.for([
  'https://elsewhere.example.org/v1/uploads/',
  'https://publish.example.org.evil.example/v1/uploads/',
  'https://publish.example.org:444/v1/uploads/',
  '//publish.example.org/v1/uploads/',
  'v1/uploads/',
  '/v1/uploads/../uploads/',
  '/v1/jobs/',
  'file:///v1/uploads/',
])('%s is no upload of ours', (start) => {
  expect(() => uploadIdOf({ href: start + uploadId }, roots)).toThrow(RequestError);
});

test.for([
  `/v1/uploads/${uploadId}?x=1`,
  `/v1/uploads/${uploadId}/`,
  `/v1/uploads/${uploadId} `,
  '/v1/uploads/1',
])('"%s" is refused and says where it stands', (href) => {
  expect(() => uploadIdOf({ href }, roots, '#/inputs/serviceDefinition')).toThrow(
    expect.objectContaining({
      code: 'validation_error',
      facts: {
        errors: [
          expect.objectContaining({
            pointer: '#/inputs/serviceDefinition/href',
            code: 'invalid_link',
          }),
        ],
      },
    }),
  );
});
