import type { DatabaseLogin } from './connections.ts';
import type { DataItem } from './data-items.ts';
import type { Fault } from './faults.ts';
import type { RequestListener, RequestLog, RequestRecord } from './request-log.ts';
import { toLiveService } from './service-json.ts';
import type { ServiceContent, ServiceName } from './services.ts';
import { type ShownState, showState } from './shown-state.ts';
import { succeeded } from './site-jobs.ts';
import type { SiteMode, SiteState } from './site-state.ts';
import type { Violation } from './violations.ts';

export type AddedService = {
  folder?: string;
  name: string;
  type?: string;
  /** Names; their ids are counted from 0. */
  layers?: string[];
  realTimeState?: string;
  databases?: ServiceContent['databases'];
  tasks?: string[];
  /** Laid over what a service of this type has by itself. */
  json?: Record<string, unknown>;
};

const foreigner = 'somebody_else';

/** What tests and the demo may do behind the site's back. */
export class SimulatedSiteControl {
  readonly #site: SiteState;
  readonly #requests: RequestLog;

  constructor(site: SiteState, requests: RequestLog) {
    this.#site = site;
    this.#requests = requests;
  }

  requests(): RequestRecord[] {
    return this.#requests.list();
  }

  violations(): Violation[] {
    return this.#site.violations.list();
  }

  clearViolations(): void {
    this.#site.violations.clear();
  }

  /** Called, and awaited, before and after each request; returns what ends that. */
  onRequest(listener: RequestListener): () => void {
    return this.#requests.listen(listener);
  }

  fault(fault: Fault): void {
    this.#site.faults.add(fault);
  }

  faults(): Fault[] {
    return this.#site.faults.list();
  }

  clearFaults(): void {
    this.#site.faults.clear();
  }

  /** Uploads that a client forgot: no job of theirs is alive. Each becomes a violation. */
  checkLeftovers(): Violation[] {
    const used = new Set(
      this.#site.siteJobs.unfinished().flatMap((job) => Object.values(job.inputs)),
    );
    const left = this.#site.uploads
      .list()
      .filter(({ item, owner }) => owner !== foreigner && !used.has(item.itemID));
    for (const { item } of left) {
      const detail = `${item.itemID} ${item.itemName} (${item.description ?? 'no description'})`;
      this.#site.violations.record('upload-left-behind', detail);
    }
    return this.violations().filter(({ rule }) => rule === 'upload-left-behind');
  }

  /** Without what belongs to the system. */
  state(): ShownState {
    return showState(this.#site);
  }

  addFolder(folderName: string): void {
    if (this.#site.services.findFolder(folderName)) return;
    this.#site.services.addFolder({
      folderName,
      description: '',
      webEncrypted: false,
      isDefault: false,
    });
  }

  /** Makes the folder too. */
  addService(added: AddedService): void {
    const { folder = '', name, type = 'MapServer' } = added;
    if (folder) this.addFolder(folder);
    const written = { serviceName: name, type, capabilities: 'Map,Query,Data', ...added.json };
    const json = toLiveService(written, { folder, provider: 'ArcObjects11' });
    const service = this.#site.newService({
      folder,
      json,
      realTimeState: added.realTimeState ?? json.configuredState ?? 'STARTED',
      content: {
        layers: (added.layers ?? []).map((layer, id) => ({ id, name: layer })),
        tables: [],
        databases: added.databases ?? [],
        tasks: added.tasks ?? [],
      },
      isFromDefinition: added.databases !== undefined,
      publishedBy: foreigner,
    });
    this.#site.portal.keepItems(service, foreigner);
  }

  /** Lays values over a service's JSON, as somebody in Manager would; the service does not restart. */
  changeService(name: ServiceName, change: Record<string, unknown>): void {
    const service = this.#site.services.get(name);
    service.json = { ...service.json, ...structuredClone(change) };
    this.#site.services.touch(service, this.#site.now());
  }

  setRealTimeState(name: ServiceName, realTimeState: string): void {
    this.#site.services.get(name).realTimeState = realTimeState;
  }

  setMode(mode: SiteMode): void {
    this.#site.mode = mode;
  }

  expireTokens(): void {
    this.#site.tokens.expireAll();
  }

  /** A publish of somebody else that keeps an instance busy for so long. */
  addForeignJob(ms: number, tools = 'PublishingTools'): void {
    const site = this.#site;
    site.siteJobs.submit(
      {
        tools,
        task: 'Publish Service Definition',
        user: foreigner,
        privilege: 'ADMINISTER',
        inputs: { in_sdp_id: 'i00000000-0000-4000-8000-000000000000' },
        isForeign: true,
      },
      async (job) => {
        await site.pause(ms, job.cancel.signal);
        return { status: 'esriJobSucceeded', messages: [succeeded(job, site.now())], results: {} };
      },
    );
  }

  /** An upload of somebody else, without a file. */
  async addForeignUpload(itemName: string, description: string | null = null): Promise<string> {
    const stored = await this.#site.uploads.register(itemName, description, foreigner);
    await this.#site.uploads.commit(stored, []);
    return stored.item.itemID;
  }

  /** From now on the database takes this password for the login; validation of items tells. */
  setDatabasePassword(login: DatabaseLogin, password: string): void {
    this.#site.connections.setPassword(login, password);
  }

  addDataItem(item: DataItem): void {
    this.#site.dataItems.add(item);
  }

  writeLog(line: { type: string; source: string; message: string }): void {
    this.#site.logs.write(line);
  }

  clearRequests(): void {
    this.#requests.clear();
  }

  async reset(): Promise<void> {
    this.clearRequests();
    await this.#site.reset();
  }
}
