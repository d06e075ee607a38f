import type { Redis } from 'ioredis';
import { type ScrapedGaugesDeps, scrapeGauges } from '../jobs/scraped-gauges.ts';
import type { ApiKeyConfig } from '../lib/api-key-config.ts';
import { createMetrics, type Metrics } from '../lib/metrics.ts';
import { timeCommands } from '../lib/redis-timing.ts';
import type { FolderStorage } from '../storage/folder-storage.ts';
import { productVersion } from './product-version.ts';

type Deps = Omit<ScrapedGaugesDeps, 'siteNames' | 'owners'> & {
  redis: Redis;
  storage: FolderStorage;
  siteNames: () => string[];
  apiKeys: () => ApiKeyConfig[];
};

/** The owner of all that is made while no keys are configured. */
const withoutKeys = 'anonymous';

/** The numbers of this process, and with every scrape those of Redis and storage. */
export function createHouseMetrics(part: 'http' | 'worker'): Metrics {
  return createMetrics({ part, version: productVersion });
}

/** What every process tells beside its own doing. */
export function measureHouse(metrics: Metrics, deps: Deps): void {
  const { redis, storage, apiKeys } = deps;
  timeCommands(redis, (seconds) => metrics.redisDuration.observe(seconds));
  metrics.onScrape({
    read: async () => {
      await redis.ping();
      return () => metrics.redisUp.set(1);
    },
    forget: () => metrics.redisUp.set(0),
  });
  metrics.onScrape({
    read: async () => {
      const freeBytes = await storage.readFreeBytes();
      return () => metrics.diskFree.set(freeBytes);
    },
    forget: () => metrics.diskFree.remove(),
  });
  scrapeGauges(metrics, {
    ...deps,
    owners: () => [withoutKeys, ...apiKeys().map(({ id }) => id)],
  });
}
