import { hostname } from 'node:os';
import type { ArcpyRuntime } from '../arcpy/arcpy-runtime.ts';
import type { ToolDescription } from '../arcpy/arcpy-session.ts';
import type { RuntimeProbe } from '../arcpy/runtime-probe.ts';
import { type RuntimeRecord, type RuntimeRecords, runtimeBeatMs } from '../jobs/runtime-records.ts';
import type { RuntimeRouting } from '../jobs/runtime-routing.ts';
import type { ArcpyConfig } from '../lib/arcpy-config.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { pause } from '../lib/wait.ts';

export type RuntimeKeeperDeps = {
  runtime: ArcpyRuntime;
  runtimes: RuntimeRecords;
  routing: RuntimeRouting;
  config: ArcpyConfig;
  foundBy: string;
  workerId: string;
  log: Log;
};

/** Serves, or leaves, the queue of the pool. */
export type ServePool = (isOn: boolean) => Promise<void>;

/**
 * Knows whether the ArcPy of this worker can be used: probes it, tells the others by a record, serves its queue
 * while it can, and looks again while it cannot.
 */
export class RuntimeKeeper {
  readonly #deps: RuntimeKeeperDeps;
  readonly #closed = new AbortController();
  #wake = new AbortController();
  #loop: Promise<void> | undefined;
  #probe: RuntimeProbe | undefined;
  #tools: ToolDescription[] = [];
  #state: 'starting' | 'usable' | 'unusable' = 'starting';
  #detail: string | undefined;
  #sinceMs = Date.now();
  #probeAtMs = 0;

  constructor(deps: RuntimeKeeperDeps) {
    this.#deps = deps;
  }

  open(serve: ServePool): void {
    this.#loop = this.#keep(serve);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#wake.abort();
    await this.#loop;
    await this.#deps.runtimes.remove(this.#runtimeId).catch(() => undefined); // it vanishes by itself
  }

  /** A job met an ArcPy that does not start any more: nothing is taken until it does. */
  failed(error: GatewayError): void {
    this.#become('unusable', error.message);
    this.#probeAtMs = Date.now() + this.#deps.config.retrySeconds * 1000;
    this.#wake.abort();
  }

  get isUsable(): boolean {
    return this.#state === 'usable';
  }

  get version(): string | undefined {
    return this.#probe?.version;
  }

  get blankProject(): string | undefined {
    return this.#deps.config.blankProject ?? this.#probe?.blankProject ?? undefined;
  }

  record(): RuntimeRecord {
    const { busy, jobs, starts } = this.#deps.runtime.counts;
    return {
      runtimeId: this.#runtimeId,
      pool: this.#deps.config.pool,
      machine: hostname(),
      foundBy: this.#deps.foundBy,
      state: this.#state === 'usable' ? (busy > 0 ? 'busy' : 'idle') : this.#state,
      ...(this.#detail !== undefined && { detail: this.#detail }),
      seenMs: Date.now(),
      sinceMs: this.#sinceMs,
      ...(this.#probe && { probe: this.#probe }),
      tools: this.#tools,
      processes: this.#deps.config.processes,
      ...{ busy, jobs, starts },
    };
  }

  get #runtimeId(): string {
    return this.#deps.workerId.replaceAll(/[^\w.-]+/g, '-');
  }

  async #keep(serve: ServePool): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        await this.#tell();
        if (this.#state !== 'usable' && Date.now() >= this.#probeAtMs) {
          await this.#look();
          await this.#tell();
        }
        await serve(this.#state === 'usable');
        if (this.#state === 'usable') await this.#deps.routing.adopt(this.record());
      } catch (error) {
        if (!this.#closed.signal.aborted)
          this.#deps.log.warn({ err: error }, 'The state of ArcPy could not be told');
      }
      this.#wake = new AbortController();
      const either = AbortSignal.any([this.#closed.signal, this.#wake.signal]);
      const untilProbeMs = Math.max(10, this.#probeAtMs - Date.now());
      const pauseMs = this.isUsable ? runtimeBeatMs : Math.min(runtimeBeatMs, untilProbeMs);
      await pause(pauseMs, either).catch(() => undefined);
    }
  }

  async #tell(): Promise<void> {
    await this.#deps.runtimes.save(this.record());
  }

  async #look(): Promise<void> {
    const { runtime, config, log } = this.#deps;
    try {
      this.#probe = await runtime.probe(this.#closed.signal);
      this.#tools = await this.#readTools();
      this.#become('usable', undefined);
      log.info({ version: this.#probe.version, product: this.#probe.product }, 'ArcPy is ready');
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      if (!(error instanceof GatewayError)) log.error({ err: error }, 'ArcPy could not be probed');
      const detail = error instanceof GatewayError ? error.message : 'a fault of Pressroom itself';
      this.#become('unusable', detail);
      this.#probeAtMs = Date.now() + config.retrySeconds * 1000;
      log.warn({ detail }, 'ArcPy cannot be used here');
    }
  }

  /** Those of toolboxes are known by name only: their toolbox is opened when one is run. */
  async #readTools(): Promise<ToolDescription[]> {
    const { runtime, config } = this.#deps;
    const system = config.tools.filter((tool) => typeof tool === 'string');
    const own = config.tools.flatMap((tool) =>
      typeof tool === 'string' ? [] : tool.tools.map((name) => `${tool.alias}.${name}`),
    );
    return [
      ...(await runtime.describeTools(system, this.#closed.signal)),
      ...own.map((name) => ({ name, isDescribed: false, parameters: [] })),
    ];
  }

  #become(state: 'usable' | 'unusable', detail: string | undefined): void {
    if (this.#state !== state) this.#sinceMs = Date.now();
    this.#state = state;
    this.#detail = detail;
  }
}
