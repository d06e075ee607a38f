import { isFinal, type JobRecord, type Parked } from '../jobs/job-record.ts';
import type { SiteHold, SiteRecords } from '../jobs/site-records.ts';
import type { GatewayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Timing } from '../lib/timing.ts';

/**
 * Lets jobs through to sites that are open. A closed site rests until a time; then one job tries, and
 * the others wait for what becomes of it.
 */
export class SiteGate {
  readonly #siteRecords: SiteRecords;
  readonly #timing: Timing;
  readonly #log: Log;

  constructor(siteRecords: SiteRecords, timing: Timing, log: Log) {
    this.#siteRecords = siteRecords;
    this.#timing = timing;
    this.#log = log;
  }

  /** @returns why and until when the job has to wait, or nothing when it may go on */
  async findRest(record: JobRecord): Promise<Parked | undefined> {
    if (!record.site || isFinal(record.status)) return undefined; // what was dismissed looks for itself
    const hold = await this.#siteRecords.findHold(record.site);
    if (hold && record.steps.length === 0) return restOfHold(hold); // what was begun comes to its end
    const closed = await this.#siteRecords.findClosed(record.site);
    if (!closed) return undefined;
    if (closed.reason === 'site_login_refused') {
      // A second login with a refused password locks the account: only a new configuration opens.
      return {
        reason: 'site',
        detail: closed.detail,
        untilMs: Date.now() + this.#timing.siteClosedMs,
      };
    }
    if (Date.now() < closed.untilMs) {
      return {
        reason: 'site',
        detail: closed.detail,
        untilMs: closed.untilMs + Math.random() * 500,
      };
    }
    if (await this.#siteRecords.takeProbe(record.site, record.jobId, this.#timing.siteClosedMs))
      return undefined;
    return {
      reason: 'site',
      detail: closed.detail,
      untilMs: Date.now() + Math.min(2_000, this.#timing.siteClosedMs),
    };
  }

  /** @returns how the job that met the closed site waits */
  async close(site: string, reason: GatewayError): Promise<Parked> {
    const untilMs = Date.now() + this.#timing.siteClosedMs;
    await this.#siteRecords.close(site, { reason: reason.code, detail: reason.message, untilMs });
    this.#log.warn({ site, reason: reason.code }, 'Site rests');
    return { reason: 'site', detail: reason.message, untilMs };
  }

  /** A job came through: if it was the probe, the site is open again. */
  async passed(site: string): Promise<void> {
    const closed = await this.#siteRecords.findClosed(site);
    if (!closed || closed.reason === 'site_login_refused' || Date.now() < closed.untilMs) return;
    await this.reopen(site);
  }

  /** The configuration was read anew: a refused login may be tried once more. */
  async releaseLogin(site: string): Promise<void> {
    const closed = await this.#siteRecords.findClosed(site);
    if (closed?.reason === 'site_login_refused') await this.reopen(site);
  }

  async reopen(site: string): Promise<void> {
    await this.#siteRecords.reopen(site);
    this.#log.info({ site }, 'Site is open again');
  }
}

/** A release wakes the jobs; should that be lost, they look again by themselves. */
const lookAgainMs = 60_000;

function restOfHold({ reason, by, untilMs }: SiteHold): Parked {
  return {
    reason: 'site',
    detail: `Held by ${by}: ${reason}`,
    untilMs: Math.min(untilMs ?? Number.POSITIVE_INFINITY, Date.now() + lookAgainMs),
  };
}
