import { DocumentError } from '../lib/errors.ts';
import type { ArchiveMember } from './archive.ts';

export type ArchiveLimits = {
  maxMembers: number;
  /** Of one member that is read, unpacked. */
  maxMemberBytes: number;
  /** Of all members together, as the archive declares them. */
  maxUnpackedBytes: number;
  /** How many times larger than the archive its members may be. */
  maxRatio: number;
  /** Below this the ratio does not count: a small map packs a hundredfold, and harms nobody. */
  ratioFloorBytes: number;
};

export const defaultArchiveLimits: ArchiveLimits = {
  maxMembers: 10_000,
  maxMemberBytes: 64 * 2 ** 20,
  maxUnpackedBytes: 50 * 2 ** 30,
  maxRatio: 20,
  ratioFloorBytes: 256 * 2 ** 20,
};

/**
 * Refuses what no program of ArcGIS writes and what could harm whoever unpacks it: us, or the site.
 *
 * @throws DocumentError archive_rejected, naming the limit
 */
export function checkMembers(
  members: readonly ArchiveMember[],
  archiveBytes: number,
  limits: ArchiveLimits,
  { sameName = 'without-case' }: { sameName?: 'with-case' | 'without-case' } = {},
): void {
  if (members.length > limits.maxMembers) throw tooManyMembers(limits);
  const seen = new Set<string>();
  for (const member of members) {
    checkMember(member);
    // Sites run on Windows, where the second overwrites the first; what is never unpacked may differ in case.
    const name = sameName === 'with-case' ? member.name : member.name.toLowerCase();
    if (seen.has(name)) throw rejected(`it holds ${quote(member.name)} twice`);
    seen.add(name);
  }
  const declared = members.reduce((sum, member) => sum + member.sizeBytes, 0);
  if (declared > limits.maxUnpackedBytes) {
    throw rejected(
      `unpacked it would be ${declared} bytes; ${limits.maxUnpackedBytes} are allowed`,
    );
  }
  const allowed = Math.max(limits.ratioFloorBytes, limits.maxRatio * archiveBytes);
  if (declared > allowed) {
    throw rejected(
      `unpacked it would be ${declared} bytes, more than ${limits.maxRatio} times its own ${archiveBytes}`,
    );
  }
}

export function tooManyMembers(limits: ArchiveLimits): DocumentError {
  return rejected(`it holds more than ${limits.maxMembers} members`);
}

export function rejected(why: string, options?: ErrorOptions): DocumentError {
  return new DocumentError('archive_rejected', `The archive is not accepted: ${why}.`, options);
}

function checkMember(member: ArchiveMember): void {
  const fault = findNameFault(member.name);
  if (fault) throw rejected(`the member name ${quote(member.name)} ${fault}`);
  if (member.kind === 'other') throw rejected(`${quote(member.name)} is a link or a device`);
  if (member.isEncrypted) throw rejected(`${quote(member.name)} is encrypted`);
  if (!Number.isSafeInteger(member.sizeBytes) || member.sizeBytes < 0) {
    throw rejected(`${quote(member.name)} tells no size`);
  }
}

/** Names are checked as the site's Windows would read them, where `\` parts folders and `:` streams. */
function findNameFault(name: string): string | undefined {
  if (name === '' || name.length > 1_000) return 'is empty or longer than 1000 characters';
  if (/^[a-z]:/i.test(name)) return 'begins with a drive';
  if (/^[/\\]/.test(name)) return 'is absolute';
  if (name.split(/[/\\]/).some((segment) => segment === '..' || segment === '.')) {
    return 'leaves its folder';
  }
  if (name.includes('\\')) return 'has a backslash';
  if (/\p{Cc}|:/u.test(name)) return 'has a colon or a control character';
  return undefined;
}

/** Names come from strangers: cut, and without what could break a line of a log. */
function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}
