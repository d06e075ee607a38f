import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import type { EgressConfig } from './egress-config.ts';
import { ConfigError, GatewayError } from './errors.ts';

/**
 * The address may not be called, or does not lead anywhere: one answer for all of it, without the
 * addresses of the name, so that nobody learns from it what there is inside.
 */
export class DestinationNotAllowedError extends GatewayError {
  override readonly name = 'DestinationNotAllowedError';
  readonly code = 'destination_not_allowed';

  constructor() {
    super(
      'The address may not be called. It must be https, on a usual port, without a user name, and its name must lead to public addresses only.',
    );
  }
}

/** All addresses of a name, of both families. */
export type Resolve = (hostname: string) => Promise<string[]>;

/** Which addresses may be called on behalf of callers. Made of the configuration, once. */
export type EgressPolicy = {
  allowHttp: boolean;
  ports: ReadonlySet<number>;
  allow: DestinationList;
  deny: DestinationList;
  resolve: Resolve;
  connectMs: number;
  totalMs: number;
  /** PEM of an authority of one's own; without it the usual ones count. */
  ca?: string;
};

/**
 * What is not public: the special-purpose registries of IANA with what Svix adds, and 168.63.129.16,
 * the host service of Azure, which looks public.
 */
export const blockedRanges = {
  ipv4: [
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '168.63.129.16/32',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.31.196.0/24',
    '192.52.193.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
    '192.175.48.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
  ],
  // ::ffff:0:0/96 is missing on purpose: those are IPv4 addresses and judged as such.
  ipv6: [
    '::/96',
    '::ffff:0:0:0/96',
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/23',
    '2001:db8::/32',
    '2002::/16',
    '2620:4f:8000::/48',
    '3fff::/20',
    '5f00::/16',
    'fc00::/7',
    'fe80::/10',
    'fec0::/10',
    'ff00::/8',
  ],
} as const;

const blocked = toBlockList([...blockedRanges.ipv4, ...blockedRanges.ipv6]);

/** Names that lead inside whatever they resolve to; names without a dot do, too. */
const innerNames = /(?:^|\.)(?:localhost|local|internal)$|^metadata\.amazonaws\.com$/;

export function isInnerName(hostname: string): boolean {
  return !hostname.includes('.') || innerNames.test(hostname);
}

/** False also for what is no address, and for one with a zone: it has a meaning on this machine only. */
export function isPublicAddress(address: string): boolean {
  return isIP(address) !== 0 && !address.includes('%') && !contains(blocked, address);
}

/** Entries of an allow-list or deny-list, understood. */
export class DestinationList {
  readonly #hosts: ReadonlySet<string>;
  readonly #ranges: BlockList;

  /** @throws ConfigError for an entry that is neither a host nor a range */
  constructor(entries: readonly string[]) {
    const ranges = entries.filter((entry) => entry.includes('/') || isIP(entry) !== 0);
    this.#ranges = toBlockList(ranges.map(toRange));
    this.#hosts = new Set(entries.filter((entry) => !ranges.includes(entry)).map(toHost));
  }

  /** `hostname` without brackets. */
  namesHost(hostname: string, port: number): boolean {
    return this.#hosts.has(hostname) || this.#hosts.has(`${hostname}:${port}`);
  }

  holds(address: string): boolean {
    return contains(this.#ranges, address);
  }
}

/** Extra members are for tests: another resolver, an authority of their own, shorter patience. */
export function createEgressPolicy(
  config: EgressConfig,
  more: Partial<Pick<EgressPolicy, 'resolve' | 'ca' | 'connectMs' | 'totalMs'>> = {},
): EgressPolicy {
  const withoutPort = config.allow.find((entry) => !/\/\d+$|:\d+$/.test(entry));
  if (withoutPort !== undefined) {
    throw new ConfigError(`egress.allow: ${withoutPort} is neither host:port nor a range`);
  }
  return {
    allowHttp: config.allowHttp,
    ports: new Set([...config.ports, ...(config.allowHttp ? [80] : [])]),
    allow: new DestinationList(config.allow),
    deny: new DestinationList(config.deny),
    resolve: resolveName,
    connectMs: 5_000,
    totalMs: config.timeoutSeconds * 1000,
    ...more,
  };
}

async function resolveName(hostname: string): Promise<string[]> {
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => address);
}

function contains(list: BlockList, address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  // A rule for IPv4 also matches the address written as IPv6, `::ffff:…` (Node.js, `net.BlockList`).
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

function toBlockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', bits = ''] = range.split('/');
    list.addSubnet(network, Number(bits), isIP(network) === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

function toRange(entry: string): string {
  const [network = '', bits] = entry.split('/');
  const most = isIP(network) === 4 ? 32 : 128;
  const isWhole = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  if (isIP(network) === 0 || !isWhole) {
    throw new ConfigError(`egress: ${entry} is not a range such as 10.1.0.0/16`);
  }
  return `${network}/${bits ?? most}`;
}

/** `host`, `host:port`, `[address]:port`, as `namesHost` asks for it. */
function toHost(entry: string): string {
  const { host = '', port } =
    /^(?<host>\[[^\]]+\]|[^\s:/@[\]]+)(?::(?<port>\d{1,5}))?$/.exec(entry)?.groups ?? {};
  const url = `http://${host}`;
  if (host === '' || !URL.canParse(url)) {
    throw new ConfigError(`egress: ${entry} is neither a host, host:port nor a range`);
  }
  const name = new URL(url).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  return port === undefined ? name : `${name}:${port}`;
}
