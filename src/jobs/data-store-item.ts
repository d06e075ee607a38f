import { z } from 'zod';
import { controls, textOfMarks } from '../lib/portable-patterns.ts';
import { redactDeep } from '../lib/redact.ts';
import { parsePairs, withoutPassword } from '../sites/connection-strings.ts';
import { isManagedStore, type WholeDataStoreItem } from '../sites/data-store-reader.ts';
import { isSecretKey } from './data-store-comparison.ts';
import { DataStoreRefusedError } from './data-store-errors.ts';
import { DataStoreValidation } from './data-store-validations.ts';
import { isPlainMember } from './plain-members.ts';

/** The last part of an item's path, and what people see in Manager. */
export const DataStoreName = textOfMarks(
  (mark) => `^${mark}(?:(?:${mark}|[. -])*${mark})?$`,
  'letters, digits, underscores, and between them blanks, dots and hyphens; 120 at most',
).max(120);

/** Path of an item on a site, such as `/fileShares/roads`. */
export const DataStorePath = z
  .string()
  .max(300)
  .regex(
    new RegExp(String.raw`^\/[A-Za-z]+(?:\/[^/\\${controls}]+)+$`, 'u'),
    'the path of an item, such as `/fileShares/roads`',
  )
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), {
    message: 'the path of an item, such as `/fileShares/roads`',
  });

/** An item as callers see it: as the site holds it, with every secret masked. */
export const DataStoreItemView = z
  .object({
    path: z.string().describe('Path on the site, such as `/fileShares/roads`'),
    type: z.string().describe('Kind of item in the words of ArcGIS, such as `folder` or `egdb`'),
    id: z.string().optional().describe("The site's own id"),
    provider: z.string().optional(),
    clientPath: z.string().optional().describe("The publisher's path, of a replicated folder"),
    info: z
      .record(z.string(), z.unknown())
      .describe('What the site keeps of it; passwords and keys are masked'),
  })
  .meta({ id: 'DataStoreItem' });
export type DataStoreItemView = z.output<typeof DataStoreItemView>;

export function toView({
  path,
  type,
  id,
  provider,
  clientPath,
  info,
}: WholeDataStoreItem): DataStoreItemView {
  return {
    path,
    type,
    ...(typeof id === 'string' && { id }),
    ...(typeof provider === 'string' && { provider }),
    ...(typeof clientPath === 'string' && clientPath !== '' && { clientPath }),
    info: redactDeep(maskConnections(info)) as Record<string, unknown>,
  };
}

/** By their structure, for a password may hold what the patterns of texts take for its end. */
function maskConnections(info: Record<string, unknown>): Record<string, unknown> {
  const masked = Object.entries(info).map(([member, value]) => [
    member,
    /connectionString$/i.test(member) && typeof value === 'string' ? maskConnection(value) : value,
  ]);
  return Object.fromEntries(masked);
}

function maskConnection(text: string): string {
  if (!text.trim().startsWith('{')) {
    const pairs = parsePairs(text);
    if (pairs.length === 0) return text;
    return pairs.map(([key, value]) => `${key}=${isSecretKey(key) ? '***' : value}`).join(';');
  }
  try {
    const members = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return JSON.stringify(
      Object.fromEntries(members.map(([key, value]) => [key, isPlainMember(key) ? value : '***'])),
    );
  } catch {
    return text; // `{crypt}…`: the patterns know it
  }
}

/** What all that register or change an item answer with. */
export const DataStoreRegistrationResult = z.object({
  outcome: z
    .enum(['registered', 'updated', 'unchanged'])
    .describe('What became of the request; `unchanged`: it was there already with this content'),
  item: DataStoreItemView.describe('The item as the site holds it now, secrets masked'),
  validation: DataStoreValidation.describe('What the site said when it validated the item at last'),
  changed: z.array(z.string()).describe('Members that an update changed, such as `info.path`'),
  seconds: z.record(z.string(), z.number()).describe('Time per step'),
  warnings: z.array(z.string()),
});
export type DataStoreRegistrationResult = z.output<typeof DataStoreRegistrationResult>;

export function lockOfItem(site: string, path: string): string {
  return `${site}:data-store:${path}`.toLowerCase();
}

/** True where the site shows a connection only in its own encryption: it is not known to take that back. */
export function isShownEncrypted({ info }: WholeDataStoreItem): boolean {
  return [info.connectionString, info.clientConnectionString].some(
    (text) => typeof text === 'string' && text.startsWith('{crypt}'),
  );
}

/** The database or place of an item in a few words, for people. */
export function describePlace({ type, info, path }: WholeDataStoreItem): string {
  if (type === 'folder') return String(info.path ?? path);
  if (type !== 'egdb' || typeof info.connectionString !== 'string') return path;
  const pairs = new Map(parsePairs(withoutPassword(info.connectionString)));
  const place = `${pairs.get('SERVER') ?? pairs.get('INSTANCE') ?? ''}/${pairs.get('DATABASE') ?? ''}`;
  const words = [pairs.get('DBCLIENT'), place, pairs.get('USER') && `as ${pairs.get('USER')}`];
  return words.filter(Boolean).join(' ');
}

/**
 * What ArcGIS Data Store keeps for a hosting server is not changed from here: the portal would lose its data.
 *
 * @throws DataStoreRefusedError conflict
 */
export function refuseManagedStore(site: string, item: WholeDataStoreItem): void {
  if (!isManagedStore(item)) return;
  throw new DataStoreRefusedError(
    'conflict',
    `${item.path} on ${site} belongs to ArcGIS Data Store. Nothing was changed; use the tools of ArcGIS Data Store.`,
    { site },
  );
}
