import type { TestProject } from 'vitest/node';
import { openOwnRedis } from '../../src/lib/own-redis.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    redisUrl: string;
  }
}

/** One real Redis for the whole run; every test keeps to a prefix of its own. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await openOwnRedis(process.env, (line) => process.stderr.write(`${line}\n`));
  project.provide('redisUrl', redis.url);
  return redis.close;
}
