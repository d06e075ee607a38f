import { expect, test } from 'vitest';
import { redactDeep, redactSecrets } from './redact.ts';

test.each([
  ['a connection string', 'SERVER=db1;PASSWORD=canary;USER=gis'],
  ['a quoted value', 'PASSWORD="canary bird";USER=gis'],
  ['a form body', 'f=json&token=canary&x=1'],
  ['JSON', '{"password":"can\\"canary"}'],
  ['JSON as text inside JSON', String.raw`{"connectionString":"{\"password\":\"canary\"}"}`],
  ['a Python dictionary', "{'token': 'canary'}"],
  ['a sentence', 'The password is "canary" there'],
  ['a header', 'Authorization: Bearer canary'],
  ['an address', 'https://gis:canary@db1.example.org/x'],
  ['an address without a user', 'redis://:canary@db1.example.org:6379'],
])('masks the secret in %s, and stays the same when masked again', (_what, text) => {
  const masked = redactSecrets(text);

  expect(masked).toContain('***');
  expect(masked).not.toContain('canary');
  expect(redactSecrets(masked)).toBe(masked);
});

test('leaves what is no secret', () => {
  const text = "Invalid token. Failed to log in: 'Roads' has 3 layers; see password rules.";

  expect(redactSecrets(text)).toBe(text);
});

test('masks members by their name, at any depth', () => {
  expect(redactDeep({ auth: [{ password: 'canary', username: 'gis' }] })).toEqual({
    auth: [{ password: '***', username: 'gis' }],
  });
});
