import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type { ChaosHouse } from './chaos-house.ts';
import type { ChaosLog } from './chaos-run.ts';

/** Requests that are under way when something breaks. */
const mostPerBreak = 4;

/** What a killed process left waits for the sweeper of a day later; each kill may leave one file. */
export async function lookAtStorage(
  house: ChaosHouse,
  redis: Redis,
  log: ChaosLog,
  faults: string[],
): Promise<string[]> {
  const folder = join(house.folder, 'storage');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  const known = new Set(await redis.zrange(`${house.prefix}:uploads`, '0', '-1'));
  const notes: string[] = [];
  for (const file of files.filter((each) => each !== 'sealing.key')) {
    const uploadId = /^uploads\/([^.]+)$/.exec(file)?.[1];
    if (uploadId && known.delete(uploadId)) continue;
    if (file.startsWith('uploads/')) notes.push(`${file} waits for the sweeper`);
    else faults.push(`${file} is left in storage`);
  }
  for (const uploadId of known) faults.push(`the upload ${uploadId} has a record and no file`);
  // A break-off of Redis leaves one, too: whether a request was accepted is not known then.
  const breaks = Object.entries(log.done)
    .filter(([what]) => /http SIGKILL|Redis killed|Redis ended|disk full/.test(what))
    .reduce((sum, [, count]) => sum + count, 0);
  if (notes.length > breaks * mostPerBreak)
    faults.push(`${notes.length} files without owner after ${breaks} breaks`);
  return notes;
}

/** Keys that may stand for nobody once nothing is under way. */
const unowned =
  /:(lock|line|pending|site-closed|site-probe|folder-remover):?|:bull:(site-[^:]+|here):([0-9a-f-]{36}.*|active|wait|prioritized|delayed|stalled)$/;

export async function lookAtRedis(house: ChaosHouse, redis: Redis): Promise<string[]> {
  const keys = await redis.keys(`${house.prefix}:*`);
  const faults = keys
    .filter((key) => unowned.test(key.slice(house.prefix.length)))
    .map((key) => `${key} is left in Redis`);
  for (const key of keys.filter((each) => each.includes(':folder-users:'))) {
    const users = await redis.smembers(key);
    if (users.length > 0) faults.push(`${key} still counts ${users}`);
  }
  for (const key of keys.filter((each) => each.includes(':upload-holds:'))) {
    const holders = await redis.zrangebyscore(key, '+inf', '+inf');
    const isKept = (holder: string) =>
      keys.includes(`${house.prefix}:${holder.replace(/^ledger:/, 'ledger-version:')}`);
    const stale = holders.filter((holder) => !holder.startsWith('ledger:') || !isKept(holder));
    if (stale.length > 0) faults.push(`${key} is held for ever by ${stale}`);
  }
  return faults;
}
