import { expect, test } from 'vitest';
import { checkDigests, readDigests } from './file-digest.ts';

/** Of `{"hello": "world"}` and a line feed (RFC 9530, appendix B). */
const encoded = 'RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=';
const sha256 = Buffer.from(encoded, 'base64').toString('hex');
const bare = { isBareBody: true };

test.each([
  `sha-256=:${encoded}:`,
  `md5=:Uxg3nxbNTaYYeVN0GtrOYw==:, sha-256=:${encoded}:`,
  `sha-256=:${encoded}:;q=1`,
])('reads %s', (text) => {
  expect(readDigests({ 'repr-digest': text }, bare)).toEqual([{ header: 'Repr-Digest', sha256 }]);
});

test('checks both headers of a bare body, and of a form only what is about the file', () => {
  const headers = { 'repr-digest': `sha-256=:${encoded}:`, 'content-digest': 'sha-256=:AAAA:' };
  expect(() => readDigests(headers, bare)).toThrow('cannot be read');
  expect(readDigests(headers, { isBareBody: false })).toHaveLength(1);
  const both = readDigests({ ...headers, 'content-digest': headers['repr-digest'] }, bare);
  expect(() => checkDigests('00', both)).toThrow('changed on its way');
  expect(() => checkDigests(sha256, both)).not.toThrow();
});

test.each(['md5=:Uxg3nxbNTaYYeVN0GtrOYw==:', 'sha-512=:AAAA:'])('cannot check %s', (text) => {
  expect(() => readDigests({ 'repr-digest': text }, bare)).toThrow('send SHA-256');
});

test.each(['junk', 'sha-256=abc', 'sha-256=:abc:', `sha-256=:${encoded}`])('refuses %s', (text) => {
  expect(() => readDigests({ 'repr-digest': text }, bare)).toThrow('cannot be read');
});
