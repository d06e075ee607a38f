import { describe, expect, test } from 'vitest';
import { checkDestination } from './egress.ts';
import { EgressConfig } from './egress-config.ts';
import {
  blockedRanges,
  createEgressPolicy,
  DestinationNotAllowedError,
  isPublicAddress,
} from './egress-policy.ts';
import { ConfigError } from './errors.ts';

/** Address, whether it is public: each row of the table with its first and last address and its neighbours. */
const ipv4Rows: [range: string, inside: string[], outside: string[]][] = [
  ['0.0.0.0/8', ['0.0.0.0', '0.255.255.255'], ['1.0.0.0', '1.1.1.1']],
  ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255'], ['9.255.255.255', '11.0.0.0']],
  [
    '100.64.0.0/10',
    ['100.64.0.0', '100.127.255.255', '100.100.100.200'],
    ['100.63.255.255', '100.128.0.0'],
  ],
  ['127.0.0.0/8', ['127.0.0.0', '127.0.0.1', '127.255.255.255'], ['126.255.255.255', '128.0.0.0']],
  ['168.63.129.16/32', ['168.63.129.16'], ['168.63.129.15', '168.63.129.17']],
  [
    '169.254.0.0/16',
    ['169.254.0.0', '169.254.169.254', '169.254.255.255'],
    ['169.253.255.255', '169.255.0.0'],
  ],
  ['172.16.0.0/12', ['172.16.0.0', '172.31.255.255'], ['172.15.255.255', '172.32.0.0']],
  ['192.0.0.0/24', ['192.0.0.0', '192.0.0.255'], ['191.255.255.255', '192.0.1.0']],
  ['192.0.2.0/24', ['192.0.2.0', '192.0.2.255'], ['192.0.1.255', '192.0.3.0']],
  ['192.31.196.0/24', ['192.31.196.0', '192.31.196.255'], ['192.31.195.255', '192.31.197.0']],
  ['192.52.193.0/24', ['192.52.193.0', '192.52.193.255'], ['192.52.192.255', '192.52.194.0']],
  ['192.88.99.0/24', ['192.88.99.0', '192.88.99.255'], ['192.88.98.255', '192.88.100.0']],
  ['192.168.0.0/16', ['192.168.0.0', '192.168.255.255'], ['192.167.255.255', '192.169.0.0']],
  ['192.175.48.0/24', ['192.175.48.0', '192.175.48.255'], ['192.175.47.255', '192.175.49.0']],
  ['198.18.0.0/15', ['198.18.0.0', '198.19.255.255'], ['198.17.255.255', '198.20.0.0']],
  ['198.51.100.0/24', ['198.51.100.0', '198.51.100.255'], ['198.51.99.255', '198.51.101.0']],
  ['203.0.113.0/24', ['203.0.113.0', '203.0.113.255'], ['203.0.112.255', '203.0.114.0']],
  ['224.0.0.0/4', ['224.0.0.0', '239.255.255.255'], ['223.255.255.255']],
  ['240.0.0.0/4', ['240.0.0.0', '255.255.255.255'], []],
];

const ipv6Rows: typeof ipv4Rows = [
  ['::/96', ['::', '::1', '::7f00:1', '::ffff:ffff'], ['::1:0:0', '::fffe:808:808']],
  ['::ffff:0:0:0/96', ['::ffff:0:0:0', '::ffff:0:7f00:1', '::ffff:0:ffff:ffff'], ['::ffff:1:0:0']],
  [
    '64:ff9b::/96',
    ['64:ff9b::', '64:ff9b::7f00:1', '64:ff9b::ffff:ffff'],
    ['64:ff9b::1:0:0', '64:ff9a:ffff::'],
  ],
  ['64:ff9b:1::/48', ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'], ['64:ff9b:2::']],
  ['100::/64', ['100::', '100::ffff:ffff:ffff:ffff'], ['100:0:0:1::', 'ff:ffff::']],
  ['2001::/23', ['2001::', '2001:1ff:ffff::'], ['2001:200::', '2000:ffff::']],
  ['2001:db8::/32', ['2001:db8::', '2001:db8:ffff:ffff::'], ['2001:db7:ffff::', '2001:db9::']],
  ['2002::/16', ['2002::', '2002:7f00:1::', '2002:ffff::'], ['2003::', '2001:ffff::']],
  [
    '2620:4f:8000::/48',
    ['2620:4f:8000::', '2620:4f:8000:ffff::'],
    ['2620:4f:7fff::', '2620:4f:8001::'],
  ],
  ['3fff::/20', ['3fff::', '3fff:fff:ffff::'], ['3fff:1000::', '3ffe:ffff::']],
  ['5f00::/16', ['5f00::', '5f00:ffff::'], ['5eff:ffff::', '5f01::']],
  ['fc00::/7', ['fc00::', 'fd00:ec2::254', 'fdff:ffff::'], ['fbff:ffff::', 'fe00::']],
  ['fe80::/10', ['fe80::', 'febf:ffff::'], ['fe7f:ffff::']],
  ['fec0::/10', ['fec0::', 'feff:ffff::'], []],
  ['ff00::/8', ['ff00::', 'ffff:ffff::'], []],
];

test('each row of the table has its row here', () => {
  expect(ipv4Rows.map(([range]) => range)).toEqual(blockedRanges.ipv4);
  expect(ipv6Rows.map(([range]) => range)).toEqual(blockedRanges.ipv6);
});

describe.each([...ipv4Rows, ...ipv6Rows])('%s', (_range, inside, outside) => {
  test.each(inside)('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false));
  if (outside.length > 0) {
    test.each(outside)('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));
  }
});

test.each(ipv4Rows.flatMap(([, inside]) => inside))(
  '%s in its IPv6 form is not public',
  (address) => {
    expect(isPublicAddress(`::ffff:${address}`)).toBe(false);
  },
);

test.each(['1.1.1.1', '::ffff:8.8.8.8', '::ffff:808:808', '2606:4700::1111'])(
  '%s is public',
  (address) => {
    expect(isPublicAddress(address)).toBe(true);
  },
);

test.each(['', 'example.com', 'fe80::1%eth0', '2606:4700::1111%1', '1.1.1'])(
  '%j is no public address',
  (text) => {
    expect(isPublicAddress(text)).toBe(false);
  },
);

const everyName = async () => ['93.184.215.14'];
function policyOf(settings: Partial<EgressConfig> = {}, resolve = everyName) {
  return createEgressPolicy(EgressConfig.parse(settings), { resolve });
}

describe('addresses that callers write', () => {
  test.each([
    'http://hooks.example.com/',
    'ftp://hooks.example.com/',
    'file:///etc/passwd',
    'https://user@hooks.example.com/',
    'https://user:word@hooks.example.com/',
    'https://:word@hooks.example.com/',
    'https://hooks.example.com:22/',
    'https://hooks.example.com:80/',
    'https://localhost/',
    'https://localhost./',
    'https://LOCALHOST/',
    'https://a.localhost/',
    'https://printer.local/',
    'https://db.internal/',
    'https://metadata.google.internal/',
    'https://metadata.google.internal./',
    'https://metadata.amazonaws.com/',
    'https://intranet/',
    'https://hooks..example.com/',
    'https://hooks.example.com../',
    `https://${'a'.repeat(60)}.${'b.'.repeat(100)}example.com/`,
    'https://127.0.0.1/',
    'https://127.0.0.1./',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://０１７７.1/',
    'https://１２７.０.０.１/',
    'https://169.254.169.254/latest/meta-data',
    'https://168.63.129.16/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::127.0.0.1]/',
    'https://[0:0:0:0:0:ffff:10.0.0.1]/',
    'https://[64:ff9b::10.0.0.1]/',
    'https://[fe80::1%25eth0]/',
    'https://[fd00:ec2::254]/',
    '//hooks.example.com/',
    'hooks.example.com',
    '',
  ])('%s is refused', async (url) => {
    await expect(checkDestination(url, policyOf())).rejects.toBeInstanceOf(
      DestinationNotAllowedError,
    );
  });

  test.each([
    'https://hooks.example.com/',
    'https://hooks.example.com./a?b=c',
    'https://hooks.example.com:8443/',
    'https://HOOKS.example.com/',
    'https://1.1.1.1/',
    'https://[2606:4700::1111]/',
    'https://[::ffff:8.8.8.8]/',
  ])('%s is allowed', async (url) => {
    await expect(checkDestination(url, policyOf())).resolves.toBeUndefined();
  });

  test.each([
    ['one public and one private address', async () => ['93.184.215.14', '10.0.0.1']],
    [
      'one public and one private address of the other family',
      async () => ['93.184.215.14', '::1'],
    ],
    ['no address', async () => []],
    ['an unknown name', async () => Promise.reject(new Error('ENOTFOUND'))],
  ])('a name with %s is refused in the same words', async (_what, resolve) => {
    const failure = await checkDestination(
      'https://hooks.example.com/',
      policyOf({}, resolve),
    ).catch((error: unknown) => error);
    expect(failure).toEqual(new DestinationNotAllowedError());
    expect(String(failure)).not.toMatch(/\d+\.\d+|::/);
  });

  test('a resolver that never answers is not waited for', async () => {
    const policy = createEgressPolicy(EgressConfig.parse({}), {
      resolve: () => new Promise(() => {}),
      connectMs: 20,
    });
    await expect(checkDestination('https://hooks.example.com/', policy)).rejects.toBeInstanceOf(
      DestinationNotAllowedError,
    );
  });
});

describe('lists of the operator', () => {
  const inside = async () => ['10.1.2.3'];
  test.each([
    ['host and port', { allow: ['hooks.corp.example:9443'] }, 'https://hooks.corp.example:9443/'],
    ['a single name', { allow: ['Receiver:443'] }, 'https://receiver/'],
    ['a range', { allow: ['10.1.0.0/16'] }, 'https://hooks.corp.example/'],
    ['an address and a port', { allow: ['127.0.0.1:9000'] }, 'https://127.0.0.1:9000/'],
    ['an IPv6 address and a port', { allow: ['[::1]:9000'] }, 'https://[::1]:9000/'],
    ['plain http', { allowHttp: true, allow: ['10.1.0.0/16'] }, 'http://hooks.corp.example/'],
  ])('%s is allowed', async (_what, settings, url) => {
    await expect(checkDestination(url, policyOf(settings, inside))).resolves.toBeUndefined();
  });

  test.each([
    ['another port', { allow: ['hooks.corp.example:9443'] }, 'https://hooks.corp.example/'],
    ['another range', { allow: ['10.2.0.0/16'] }, 'https://hooks.corp.example/'],
    [
      'a port that a range does not open',
      { allow: ['10.1.0.0/16'] },
      'https://hooks.corp.example:9443/',
    ],
    [
      'http where only the host is allowed',
      { allow: ['hooks.corp.example:80'] },
      'http://hooks.corp.example/',
    ],
    [
      'a denied host',
      { allow: ['hooks.corp.example:443'], deny: ['hooks.corp.example'] },
      'https://hooks.corp.example/',
    ],
    [
      'a denied range',
      { allow: ['hooks.corp.example:443'], deny: ['10.0.0.0/8'] },
      'https://hooks.corp.example/',
    ],
    ['a denied public address', { deny: ['93.184.215.14'] }, 'https://93.184.215.14/'],
    [
      'a denied address in disguise',
      { deny: ['93.184.215.0/24'] },
      'https://[::ffff:93.184.215.14]/',
    ],
  ])('%s is refused', async (_what, settings, url) => {
    await expect(checkDestination(url, policyOf(settings, inside))).rejects.toBeInstanceOf(
      DestinationNotAllowedError,
    );
  });

  test.each([
    { allow: ['10.1.0.0/33'] },
    { allow: ['10.1.0.0/x'] },
    { allow: ['hooks.corp.example'] },
    { allow: ['https://hooks.corp.example:443'] },
    { deny: ['not a host'] },
  ])('%j is a fault of the configuration', (settings) => {
    expect(() => policyOf(settings)).toThrow(ConfigError);
  });
});
