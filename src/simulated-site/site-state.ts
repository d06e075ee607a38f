import type { DocumentReader } from '../documents/document-reader.ts';
import { pause } from '../lib/wait.ts';
import { Connections } from './connections.ts';
import { DataItems } from './data-items.ts';
import { Faults, faultNumber } from './faults.ts';
import { Portal } from './portal.ts';
import { systemServices } from './service-json.ts';
import { type Service, Services } from './services.ts';
import type { SiteSettings } from './settings.ts';
import { SiteJobs } from './site-jobs.ts';
import { SiteLogs } from './site-logs.ts';
import { type Account, Tokens } from './tokens.ts';
import { defaultUploadExtensions, Uploads } from './uploads.ts';
import { Violations } from './violations.ts';

export const machineName = 'SIM01.EXAMPLE.ORG';

/** The primary site administrator: on a federated site the only account with a login of the site's own. */
export const primarySiteAdministrator = 'siteadmin';

export type SiteMode = 'EDITABLE' | 'READ_ONLY';

/** Everything that the simulated site remembers. The rooms of its API read and change it. */
export class SiteState {
  readonly settings: SiteSettings;
  readonly reader: DocumentReader;
  readonly faults = new Faults();
  readonly violations = new Violations();
  readonly tokens: Tokens;
  readonly uploads: Uploads;
  readonly services: Services;
  readonly siteJobs: SiteJobs;
  readonly connections = new Connections();
  readonly dataItems: DataItems;
  readonly logs: SiteLogs;
  readonly portal: Portal;
  properties: Record<string, unknown> = {};
  isDataCopyBlocked = false;
  modeChangedAt: number;
  #mode: SiteMode = 'EDITABLE';
  readonly #closing = new AbortController();

  constructor(settings: SiteSettings) {
    const now = () => this.now();
    this.settings = settings;
    this.reader = settings.reader;
    this.tokens = new Tokens(accountsOf(settings), now);
    this.uploads = new Uploads(settings.folder, now);
    this.services = new Services(this.faults);
    this.siteJobs = new SiteJobs({
      now,
      closing: this.#closing.signal,
      slots: (tools) => this.instancesOf(tools),
    });
    this.dataItems = new DataItems({
      faults: this.faults,
      connections: this.connections,
      machines: settings.machines,
    });
    this.logs = new SiteLogs(machineName, now);
    this.portal = new Portal(settings, this.faults);
    this.modeChangedAt = now();
    this.#furnish();
  }

  /** The site's clock, which need not be right. */
  now(): number {
    const skew = this.faults.look('clock-skew');
    return Date.now() + (skew ? faultNumber(skew, 'ms', 0) : 0);
  }

  get mode(): SiteMode {
    return this.faults.look('read-only') ? 'READ_ONLY' : this.#mode;
  }

  set mode(mode: SiteMode) {
    this.#mode = mode;
    this.modeChangedAt = this.now();
  }

  get blocksDataCopy(): boolean {
    return this.isDataCopyBlocked || this.faults.look('block-data-copy') !== undefined;
  }

  /** Renamed at 10.9. Esri, "Server Properties". */
  get uploadExtensions(): string[] {
    const listed =
      this.properties.uploadFileExtensionAllowedList ??
      this.properties.uploadFileExtensionWhitelist ??
      defaultUploadExtensions;
    return String(listed)
      .split(',')
      .map((extension) => extension.trim().toLowerCase());
  }

  /** Site time passes; ends by throwing when the site closes. */
  pause(ms: number, signal?: AbortSignal): Promise<void> {
    const closing = this.#closing.signal;
    return pause(ms, signal ? AbortSignal.any([signal, closing]) : closing);
  }

  /** Something that happens by itself after a while, unless the site closes before. */
  after(ms: number, happens: () => void): void {
    this.pause(ms).then(happens, () => {});
  }

  newService(service: Pick<Service, 'folder' | 'json'> & Partial<Service>): Service {
    const made: Service = {
      content: { layers: [], tables: [], databases: [], tasks: [] },
      realTimeState: 'STARTED',
      lastmodified: 0,
      itemInfo: { name: service.json.serviceName, title: service.json.serviceName, tags: [] },
      permissions: [],
      isFromDefinition: false,
      generation: 1,
      publishedBy: '',
      isBeingReplaced: false,
      isChanging: false,
      hiddenUntil: 0,
      hiddenFromAdmin: false,
      ...service,
    };
    this.services.add(made);
    this.services.touch(made, this.now());
    return made;
  }

  /** Back to an empty site, as if installed a moment ago; the port and the account stay. */
  async reset(): Promise<void> {
    this.faults.clear();
    this.violations.clear();
    this.tokens.reset();
    this.siteJobs.clear();
    this.dataItems.clear();
    this.connections.clear();
    this.logs.clear();
    this.portal.clear();
    this.services.clear();
    await this.uploads.clear();
    this.properties = {};
    this.isDataCopyBlocked = false;
    this.mode = 'EDITABLE';
    this.#furnish();
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('The simulated site closes'));
    await this.uploads.clear();
  }

  #furnish(): void {
    for (const folderName of ['System', 'Utilities']) {
      this.services.addFolder({
        folderName,
        description: '',
        webEncrypted: false,
        isDefault: true,
      });
    }
    for (const service of systemServices(this.settings)) this.newService(service);
  }

  /** How many jobs of a tools service run at the same time; an edit of the service changes it. */
  instancesOf(tools: string): number {
    const service = this.services.taken({ folder: 'System', name: tools, type: 'GPServer' });
    return Number(service?.json.maxInstancesPerNode ?? this.settings.publishingInstances);
  }
}

function accountsOf({ username, password, privilege, federated }: SiteSettings): Account[] {
  const account = { username, password, privilege };
  if (!federated || username === primarySiteAdministrator) return [account];
  return [account, { username: primarySiteAdministrator, password, privilege: 'ADMINISTER' }];
}
