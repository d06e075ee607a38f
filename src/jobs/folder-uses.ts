import type { Redis } from 'ioredis';
import type { JobKeys } from './job-keys.ts';

/**
 * Which jobs count on a folder of a site. Deleting a folder deletes every service in it (Esri, "Delete
 * Folder"), so a job removes one that it made only while nobody else is about to publish there.
 */
export class FolderUses {
  readonly #redis: Redis;
  readonly #keys: JobKeys;

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** @returns false while another job is removing the folder */
  async join(site: string, folder: string, jobId: string): Promise<boolean> {
    const script = `
      local remover = redis.call('GET', KEYS[2])
      if remover and remover ~= ARGV[1] then return 0 end
      redis.call('SADD', KEYS[1], ARGV[1])
      return 1`;
    return (await this.#redis.eval(script, 2, ...this.#keyPair(site, folder), jobId)) === 1;
  }

  async leave(site: string, folder: string, jobId: string): Promise<void> {
    const [users, remover] = this.#keyPair(site, folder);
    const script = `
      redis.call('SREM', KEYS[1], ARGV[1])
      if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end`;
    await this.#redis.eval(script, 2, users, remover, jobId);
  }

  /** @returns false while other jobs count on the folder; else nobody can join until it is left */
  async claimAlone(site: string, folder: string, jobId: string, forMs: number): Promise<boolean> {
    const script = `
      for _, user in ipairs(redis.call('SMEMBERS', KEYS[1])) do
        if user ~= ARGV[1] then
          local seen = redis.call('HMGET', ARGV[3] .. ':job:' .. user, 'status', 'undo')
          local ended = seen[1] == 'successful' or ((seen[1] == 'failed' or seen[1] == 'dismissed') and seen[2] ~= 'pending')
          if seen[1] and not ended then return 0 end
          redis.call('SREM', KEYS[1], user)
        end
      end
      redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
      return 1`;
    const keys = this.#keyPair(site, folder);
    return (await this.#redis.eval(script, 2, ...keys, jobId, forMs, this.#keys.prefix)) === 1;
  }

  #keyPair(site: string, folder: string): [string, string] {
    const name = `${site}:${folder.toLowerCase()}`;
    return [
      `${this.#keys.prefix}:folder-users:${name}`,
      `${this.#keys.prefix}:folder-remover:${name}`,
    ];
  }
}
