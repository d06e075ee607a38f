import type { ServiceDefinitionContent } from '../documents/service-definition.ts';
import type { Faults } from './faults.ts';
import type { ServiceJson } from './service-json.ts';
import { notFound, SiteRefusal } from './site-refusal.ts';

/** What a service shows: read from its definition, or invented for one that was put there by hand. */
export type ServiceContent = Pick<ServiceDefinitionContent, 'layers' | 'tables' | 'databases'> & {
  tasks: string[];
};

export type ServiceName = { folder: string; name: string; type: string };

export type Permission = { principal: string; isAllowed: boolean };

export type Service = {
  folder: string;
  json: ServiceJson;
  content: ServiceContent;
  realTimeState: string;
  /** Site time of the last change, ms; grows with every change. */
  lastmodified: number;
  itemInfo: Record<string, unknown>;
  permissions: Permission[];
  isFromDefinition: boolean;
  /** How often this service was published. */
  generation: number;
  publishedBy: string;
  isBeingReplaced: boolean;
  /** A start, stop, edit or deletion is under way. */
  isChanging: boolean;
  hiddenUntil: number;
  hiddenFromAdmin: boolean;
};

export type Folder = {
  folderName: string;
  description: string;
  webEncrypted: boolean;
  isDefault: boolean;
};

const sameText = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** The folders and services of a site: names are kept as given and compared without case. */
export class Services {
  readonly #faults: Faults;
  #folders: Folder[] = [];
  #services: Service[] = [];
  #lastChange = 0;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  folders(): Folder[] {
    return [...this.#folders];
  }

  /** Every service, hidden ones too. */
  all(): Service[] {
    return [...this.#services];
  }

  /** Those that the given API lists at this moment. */
  visible(face: 'admin' | 'rest'): Service[] {
    return this.#services.filter((service) => isVisible(service, face));
  }

  inFolder(folder: string, face: 'admin' | 'rest'): Service[] {
    return this.visible(face).filter((service) => sameText(service.folder, folder));
  }

  findFolder(folderName: string): Folder | undefined {
    return this.#folders.find((folder) => this.#sees(folder.folderName, folderName));
  }

  /** @throws SiteRefusal 404; for folders the text is not verified, for services it is */
  getFolder(folderName: string): Folder {
    const folder = this.findFolder(folderName);
    if (!folder) throw notFound(folderName);
    return folder;
  }

  /** The service as clients see it. */
  find(name: ServiceName, face: 'admin' | 'rest' = 'admin'): Service | undefined {
    const found = this.#services.find(
      ({ folder, json }) =>
        this.#sees(folder, name.folder) &&
        this.#sees(json.serviceName, name.name) &&
        sameText(json.type, name.type),
    );
    return found && isVisible(found, face) ? found : undefined;
  }

  /** The service as the config store knows it: without case, whatever clients are made to see. */
  taken(name: ServiceName): Service | undefined {
    return this.#services.find(
      ({ folder, json }) =>
        sameText(folder, name.folder) &&
        sameText(json.serviceName, name.name) &&
        sameText(json.type, name.type),
    );
  }

  get(name: ServiceName): Service {
    const service = this.find(name);
    if (!service) throw notFound(`${name.name}.${name.type}`);
    return service;
  }

  addFolder(folder: Folder): void {
    if (this.#folders.some(({ folderName }) => sameText(folderName, folder.folderName))) {
      // The text is not verified.
      throw new SiteRefusal(500, `The folder '${folder.folderName}' already exists.`);
    }
    this.#folders.push(folder);
  }

  /** Deletes the services in it too. Esri, "Delete Folder". */
  removeFolder(folder: Folder): void {
    this.#folders = this.#folders.filter((one) => one !== folder);
    this.#services = this.#services.filter((one) => !sameText(one.folder, folder.folderName));
  }

  add(service: Service): void {
    this.#services.push(service);
  }

  remove(service: Service): void {
    this.#services = this.#services.filter((one) => one !== service);
  }

  /** Never twice the same, however quick the changes follow each other. */
  touch(service: Service, now: number): void {
    this.#lastChange = Math.max(now, this.#lastChange + 1);
    service.lastmodified = this.#lastChange;
  }

  clear(): void {
    this.#folders = [];
    this.#services = [];
  }

  #sees(kept: string, asked: string): boolean {
    return this.#faults.look('exists-case') ? kept === asked : sameText(kept, asked);
  }
}

function isVisible(service: Service, face: 'admin' | 'rest'): boolean {
  if (Date.now() >= service.hiddenUntil) return true;
  return face === 'admin' && !service.hiddenFromAdmin;
}

/** `Folder/Name.Type`, as logs name a service. */
export function serviceLabel(service: Pick<Service, 'folder' | 'json'>): string {
  const { serviceName, type } = service.json;
  return `${service.folder ? `${service.folder}/` : ''}${serviceName}.${type}`;
}

/** `Folder/Name/Type`, as the services directory does. */
export function restLabel({ folder, name, type }: ServiceName): string {
  return `${folder ? `${folder}/` : ''}${name}/${type}`;
}
