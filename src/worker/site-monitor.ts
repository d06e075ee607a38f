import { type JobQueues, queueNameOf } from '../jobs/job-queue.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import { freeSlotsOf, type SiteRecord, type SiteRecords } from '../jobs/site-records.ts';
import type { Config } from '../lib/config.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { SiteConfig } from '../lib/site-config.ts';
import { pause } from '../lib/wait.ts';
import { listSiteJobsAtWork, type SiteJobItems } from '../sites/publishing.ts';
import { tellsNothing } from '../sites/site-errors.ts';
import {
  findDataStoreItems,
  readAdminInfo,
  readBlockDataCopy,
  readClockSkewMs,
  readPublishingTools,
  readRestInfo,
  readSiteMode,
} from '../sites/site-reader.ts';
import type { Site, Sites } from '../sites/sites.ts';
import type { SiteGate } from './site-gate.ts';
import { sweepUploads } from './upload-sweeper.ts';

export type SiteMonitorDeps = {
  sites: Sites;
  /** Those of them that this worker looks at. */
  siteNames: () => string[];
  siteRecords: SiteRecords;
  records: Pick<JobRecords, 'findMany'>;
  queues: JobQueues;
  gate: SiteGate;
  siteJobItems: SiteJobItems;
  queue: Config['queue'];
  workerId: string;
  log: Log;
};

/** A site takes few publishing jobs at a time and breaks when pushed. */
const mostSlotsUnasked = 2;
const readingMs = 20_000;
const foreignJobsMs = 5_000;
const mostForeignTold = 100;

/**
 * Reads each site now and then, on behalf of all workers: whoever holds the site's lease reads health,
 * version, mode, slots and clock into the site record, and sets how many jobs may run.
 */
export class SiteMonitor {
  readonly #deps: SiteMonitorDeps;
  readonly #closed = new AbortController();
  readonly #loops = new Map<string, Promise<void>>();

  constructor(deps: SiteMonitorDeps) {
    this.#deps = deps;
  }

  /** Watches the configured sites; one that is gone is left at its next turn. */
  watch(): void {
    for (const name of this.#deps.siteNames()) {
      if (!this.#loops.has(name)) this.#loops.set(name, this.#watchOne(name));
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#loops.values());
    for (const name of this.#loops.keys()) {
      await this.#deps.siteRecords.giveLeaseBack(name, this.#deps.workerId).catch(() => undefined);
    }
  }

  async #watchOne(name: string): Promise<void> {
    const everyMs = this.#deps.queue.siteReadSeconds * 1000;
    const isWatched = () => !this.#closed.signal.aborted && this.#deps.siteNames().includes(name);
    await this.#limitUntilKnown(name);
    while (isWatched()) {
      try {
        if (
          await this.#deps.siteRecords.holdLease(name, this.#deps.workerId, everyMs * 2 + readingMs)
        ) {
          await this.#readOne(this.#deps.sites.get(name));
        }
      } catch (error) {
        if (isWatched())
          this.#deps.log.warn({ err: error, site: name }, 'A site could not be looked at');
      }
      await pause(everyMs, this.#closed.signal).catch(() => undefined);
    }
    this.#loops.delete(name);
  }

  async #limitUntilKnown(name: string): Promise<void> {
    const known = await this.#deps.siteRecords.find(name).catch(() => undefined);
    await this.#deps.queues
      .limitTo(queueNameOf(name), known ? freeSlotsOf(known) : 1)
      .catch(() => undefined);
  }

  async #readOne(site: Site): Promise<void> {
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(readingMs)]);
    const record = await readSiteRecord(site, signal, await this.#deps.siteRecords.find(site.name));
    await this.#deps.siteRecords.save(site.name, record);
    await this.#deps.queues.limitTo(queueNameOf(site.name), freeSlotsOf(record));
    await this.#openOrClose(site.name, record);
    if (record.health === 'up') await this.#sweep(site, signal);
  }

  async #sweep(site: Site, signal: AbortSignal): Promise<void> {
    const { log } = this.#deps;
    const removed = await sweepUploads(site, this.#deps, { signal }).catch(ignoreRefusal);
    if (removed?.length) log.info({ site: site.name, itemIds: removed }, 'Late uploads removed');
  }

  async #openOrClose(name: string, record: SiteRecord): Promise<void> {
    const closed = await this.#deps.siteRecords.findClosed(name);
    if (closed && record.health === 'up') await this.#deps.gate.reopen(name);
  }
}

/** One careful look at a site. What cannot be read is left out; what is wrong is said. */
export async function readSiteRecord(
  site: Site,
  signal: AbortSignal,
  before?: SiteRecord,
): Promise<SiteRecord> {
  const readAt = new Date().toISOString();
  const slots = site.config.slots ?? before?.slots ?? 1;
  try {
    const rest = await readRestInfo(site, { signal });
    const admin = await readAdminInfo(site, { signal });
    const { siteMode: mode } = await readSiteMode(site, { signal });
    const tools = await readPublishingTools(site, { signal }).catch(ignoreRefusal);
    const foreignJobs = await findForeignJobs(site, signal);
    const items = await findDataStoreItems(site, { signal }).catch(ignoreRefusal);
    const isDataCopyBlocked = await readBlockDataCopy(site, { signal }).catch(ignoreRefusal);
    const clockDifferenceMs = await readClockSkewMs(site, { signal }).catch(ignoreRefusal);
    return {
      readAt,
      health: mode === 'READ_ONLY' ? 'read-only' : 'up',
      isFederated: rest.owningSystemUrl !== undefined,
      slots: slotsOf(site.config, tools),
      ...(rest.version && { version: rest.version }),
      ...(mode !== 'UNKNOWN' && { mode }),
      ...(admin.privilege && { privilege: admin.privilege }),
      ...(tools && {
        publishingTools: `${tools.name}: ${tools.realTimeState}`,
        machines: tools.machineCount,
      }),
      ...(clockDifferenceMs !== undefined && { clockDifferenceMs }),
      ...(isDataCopyBlocked !== undefined && { isDataCopyBlocked }),
      ...(foreignJobs && { foreignJobs }),
      ...(items && { dataStoreItems: items.map(({ path, type }) => ({ path, type })) }),
    };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { ...before, readAt, slots, health: healthOf(error), detail: error.message };
  }
}

/** Whoever publishes with our account cannot be told from us. Whether a site is well does not hang on it. */
async function findForeignJobs(
  site: Site,
  signal: AbortSignal,
): Promise<SiteRecord['foreignJobs']> {
  const own = site.config.auth.username.toLowerCase();
  const within = AbortSignal.any([signal, AbortSignal.timeout(foreignJobsMs)]);
  const jobs = await listSiteJobsAtWork(site, { signal: within }).catch((error: unknown) => {
    signal.throwIfAborted();
    if (error instanceof GatewayError || within.aborted) return undefined;
    throw error;
  });
  return jobs
    ?.flatMap(({ siteJobId, username }) =>
      username === undefined || username.toLowerCase() === own
        ? []
        : [{ siteJobId, account: username }],
    )
    .slice(0, mostForeignTold);
}

function slotsOf(
  config: SiteConfig,
  tools: { maxInstancesPerNode: number; machineCount: number } | undefined,
): number {
  if (config.slots !== undefined) return config.slots;
  if (!tools) return 1;
  return Math.max(1, Math.min(mostSlotsUnasked, tools.maxInstancesPerNode * tools.machineCount));
}

function healthOf(error: GatewayError): SiteRecord['health'] {
  if (error.code === 'site_read_only') return 'read-only';
  if (error.code === 'site_upgrading') return 'upgrading';
  if (error.code === 'site_login_refused') return 'login-refused';
  return 'down';
}

/** Older releases and lesser accounts lack some resources: what they tell is not needed to go on. */
function ignoreRefusal(error: unknown): undefined {
  if (tellsNothing(error)) return undefined;
  throw error;
}
