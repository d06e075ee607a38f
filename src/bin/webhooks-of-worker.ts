import type { Config } from '../lib/config.ts';
import type { EgressPolicy } from '../lib/egress-policy.ts';
import { Lifecycle } from '../lib/lifecycle.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import { closeRedis, openRedis, type RedisAddress } from '../lib/redis.ts';
import type { Sealing } from '../lib/sealing.ts';
import type { Tracing } from '../lib/tracing.ts';
import { openWebhooks, type Webhooks } from '../webhooks/webhooks.ts';
import { createCore } from './core.ts';
import { createJobSpeech } from './job-speech.ts';

/** Webhooks on connections of their own: whatever happens to them, jobs do not wait for it. */
export function openWebhooksOfWorker(
  config: Config,
  address: RedisAddress,
  deps: {
    sealing: Sealing;
    egress: EgressPolicy;
    workerId: string;
    log: Log;
    metrics: Metrics;
    tracing: Tracing;
  },
): Webhooks {
  const lifecycle = new Lifecycle(deps.log);
  const redis = lifecycle.opened('webhook redis', openRedis(address, 'patient'), closeRedis);
  const newsRedis = lifecycle.opened('news redis', openRedis(address, 'patient'), closeRedis);
  const core = createCore(redis, config, deps.log, { tracing: deps.tracing });
  lifecycle.opened('webhook queue', core.queues, (it) => it.close());
  const speech = createJobSpeech(config.http);
  const webhooks = openWebhooks({ ...deps, ...core, redis, newsRedis, config, speech });
  lifecycle.opened('webhooks', webhooks, (it) => it.close());
  return { close: () => lifecycle.close() };
}
