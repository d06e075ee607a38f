import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from './errors.ts';
import { createLog } from './log.ts';
import { openSealing, SealBrokenError, Sealing } from './sealing.ts';
import { SealingConfig } from './sealing-config.ts';
import type { ResolveSecret } from './secret-reference.ts';

const key = (id: string) => ({ id, key: randomBytes(32) });
const current = key('2026');
const sealing = new Sealing([current]);
const purpose = { purpose: 'webhook-secret', recordId: 'one' };
const text = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';

test('what was sealed is unsealed, and never looks the same twice', () => {
  const [first, second] = [sealing.seal(text, purpose), sealing.seal(text, purpose)];
  expect([sealing.unseal(first, purpose), sealing.unseal(second, purpose)]).toEqual([text, text]);
  expect(first).toMatch(/^enc:v1:2026(:[\w-]+){4}$/);
  expect(first).not.toBe(second);
  expect(first).not.toContain(text);
  expect(sealing.unseal(sealing.seal('', purpose), purpose)).toBe('');
});

/** Every part after the id of the key: sealed key, iv, tag, ciphertext. */
test.each([3, 4, 5, 6])('one changed bit of part %i breaks the seal', (at) => {
  const parts = sealing.seal(text, purpose).split(':');
  const part = Buffer.from(parts[at] ?? '', 'base64url');
  for (let byte = 0; byte < part.length; byte += 1) {
    const changed = Buffer.from(part);
    changed[byte] = (changed[byte] ?? 0) ^ 1;
    const other = parts.with(at, changed.toString('base64url')).join(':');
    expect(() => sealing.unseal(other, purpose)).toThrow(SealBrokenError);
  }
  const cut = parts.with(at, part.subarray(0, -1).toString('base64url')).join(':');
  expect(() => sealing.unseal(cut, purpose)).toThrow(SealBrokenError);
});

test.each([
  { purpose: 'webhook-secret', recordId: 'two' },
  { purpose: 'other', recordId: 'one' },
])('what was sealed for one record does not open for %j', (other) => {
  const sealed = sealing.seal(text, purpose);
  expect(() => sealing.unseal(sealed, other)).toThrow(SealBrokenError);
});

test('a key under another id does not open it', () => {
  const renamed = sealing.seal(text, purpose).replace('enc:v1:2026:', 'enc:v1:2027:');
  const both = new Sealing([current, { ...current, id: '2027' }]);
  expect(() => both.unseal(renamed, purpose)).toThrow(SealBrokenError);
});

test.each(['', 'enc:v1:2026', text, 'enc:v2:2026:a:b:c:d'])('%j is no sealed text', (other) => {
  expect(() => sealing.unseal(other, purpose)).toThrow(SealBrokenError);
});

test('after a change of keys old texts open and new ones use the first key', () => {
  const sealed = sealing.seal(text, purpose);
  const changed = new Sealing([key('2027'), current]);
  expect(changed.unseal(sealed, purpose)).toBe(text);
  expect(changed.seal(text, purpose)).toMatch(/^enc:v1:2027:/);
  expect(() => new Sealing([key('2027')]).unseal(sealed, purpose)).toThrow(
    'The sealing key 2026 is not configured',
  );
});

test('derived bytes follow from key and purpose alone', () => {
  const [own] = sealing.derive(purpose);
  expect(own).toHaveLength(32);
  expect(new Sealing([key('2027'), current]).derive(purpose)[1]).toEqual(own);
  expect(sealing.derive({ ...purpose, recordId: 'two' })[0]).not.toEqual(own);
});

let storageFolder: string;
beforeEach(async () => {
  storageFolder = join(await mkdtemp(join(tmpdir(), 'sealing-')), 'storage');
});
afterEach(() => rm(join(storageFolder, '..'), { recursive: true, force: true }));

const secrets: Record<string, string> = {
  HEX: current.key.toString('hex'),
  BASE64: current.key.toString('base64'),
  SHORT: 'c2hvcnQ=',
};
const resolveSecret: ResolveSecret = async (reference) =>
  'env' in reference ? (secrets[reference.env] ?? '') : '';
function open(keys: { id: string; env: string }[], log = createLog({ level: 'silent' })) {
  const config = SealingConfig.parse({ keys: keys.map(({ id, env }) => ({ id, key: { env } })) });
  return openSealing({ config, storageFolder, resolveSecret, log });
}

test.each(['HEX', 'BASE64'])('takes a key as %s, and makes no file then', async (env) => {
  const opened = await open([{ id: '2026', env }]);
  expect(opened.unseal(sealing.seal(text, purpose), purpose)).toBe(text);
  await expect(readdir(storageFolder)).rejects.toThrow('ENOENT');
});

test.each(['SHORT', 'NOTHING'])('refuses a key that is %s and tells nothing of it', async (env) => {
  const failure = await open([{ id: '2026', env }]).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ConfigError);
  expect(String(failure)).toContain('sealing.keys 2026');
  expect(String(failure)).not.toContain('c2hvcnQ');
});

test('without keys many processes make one key file, readable by nobody else', async () => {
  const opened = await Promise.all(Array.from({ length: 8 }, () => open([])));
  const sealed = opened.map((each) => each.seal(text, purpose));
  for (const each of opened) {
    expect(sealed.map((one) => each.unseal(one, purpose))).toEqual(sealed.map(() => text));
  }
  expect(await readdir(storageFolder)).toEqual(['sealing.key']);
  expect((await stat(join(storageFolder, 'sealing.key'))).mode & 0o777).toBe(0o600);
});

test('the log says once where the key is, and not which', async () => {
  const lines: string[] = [];
  await open([], createLog({ destination: { write: (line: string) => void lines.push(line) } }));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('sealing.key');
  const made = (await readFile(join(storageFolder, 'sealing.key'), 'utf8')).trim();
  expect(lines[0]).not.toContain(made);
});

test('what the key file sealed still opens once keys are configured', async () => {
  const sealed = (await open([])).seal(text, purpose);
  const configured = await open([{ id: '2026', env: 'HEX' }]);
  expect(configured.unseal(sealed, purpose)).toBe(text);
  expect(configured.seal(text, purpose)).toMatch(/^enc:v1:2026:/);
});

test('a damaged key file is said plainly', async () => {
  await open([]);
  await writeFile(join(storageFolder, 'sealing.key'), 'short');
  await expect(open([])).rejects.toBeInstanceOf(ConfigError);
});
