import { randomBytes } from 'node:crypto';
import type { Faults } from './faults.ts';
import type { Service } from './services.ts';
import type { SiteSettings } from './settings.ts';
import { SiteRefusal } from './site-refusal.ts';

export type PortalItem = {
  id: string;
  owner: string;
  type: string;
  title: string;
  access: string;
  tags: string[];
  description: string;
  snippet: string;
  service: Service | undefined;
};

/**
 * The portal of a federated site: one item per capability endpoint of a service, owned by who published.
 * That items are private at first is not verified.
 *
 * @see Esri, "Administer a federated server"
 */
export class Portal {
  readonly #settings: SiteSettings;
  readonly #faults: Faults;
  #items: PortalItem[] = [];

  constructor(settings: SiteSettings, faults: Faults) {
    this.#settings = settings;
    this.#faults = faults;
  }

  items(): PortalItem[] {
    return [...this.#items];
  }

  /** @throws SiteRefusal in the words of a portal */
  get(id: string): PortalItem {
    const item = this.#items.find((one) => one.id === id);
    if (!item) throw new SiteRefusal(400, 'Item does not exist or is inaccessible.');
    return item;
  }

  add(item: Pick<PortalItem, 'owner' | 'type' | 'title'> & Partial<PortalItem>): PortalItem {
    const made: PortalItem = {
      id: randomBytes(16).toString('hex'),
      access: 'private',
      tags: [],
      description: '',
      snippet: '',
      service: undefined,
      ...item,
    };
    this.#items.push(made);
    return made;
  }

  remove(id: string): void {
    this.#items = this.#items.filter((item) => item.id !== id);
  }

  /** Gives a service its items; endpoints that have one keep it. */
  keepItems(service: Service, owner: string): void {
    if (!this.#settings.federated) return;
    if (this.#faults.look('no-portal-items')) return;
    const { serviceName, portalProperties } = service.json;
    const known = portalProperties?.portalItems ?? [];
    const missing = endpointTypes(service).filter(
      (type) => !known.some((item) => item.type === type),
    );
    const made = missing.map((type) => {
      const { id } = this.add({ owner, type, title: serviceName, service });
      return { itemID: id, type };
    });
    service.json.portalProperties = {
      isHosted: portalProperties?.isHosted ?? false,
      portalItems: [...known, ...made],
    };
  }

  /** Deleting a service deletes its items. */
  removeItemsOf(service: Service): void {
    this.#items = this.#items.filter((item) => item.service !== service);
  }

  clear(): void {
    this.#items = [];
  }
}

/** The service's own type and each enabled extension. */
export function endpointTypes({ json }: Service): string[] {
  const extensions = (json.extensions ?? [])
    .filter(({ enabled }) => String(enabled) === 'true')
    .map(({ typeName }) => typeName)
    .filter((typeName) => /^(FeatureServer|WMSServer|WFSServer|WCSServer)$/.test(typeName));
  return [json.type, ...extensions];
}
