import type { DataItem } from './data-items.ts';
import type { ServiceJson } from './service-json.ts';
import type { Service } from './services.ts';
import type { SiteMode, SiteState } from './site-state.ts';

export type ShownService = {
  folder: string;
  name: string;
  type: string;
  configuredState: string;
  realTimeState: string;
  lastmodified: number;
  layers: string[];
  generation: number;
  publishedBy: string;
  permissions: { principal: string; isAllowed: boolean }[];
  json: ServiceJson;
};

export type ShownState = {
  services: ShownService[];
  folders: string[];
  uploads: {
    itemID: string;
    itemName: string;
    description: string | null;
    committed: boolean;
    owner: string;
  }[];
  siteJobs: {
    jobId: string;
    status: string;
    itemId: string | undefined;
    user: string;
    tools: string;
    task: string;
    isFinal: boolean;
    isForeign: boolean;
  }[];
  dataItems: DataItem[];
  portalItems: { id: string; type: string; title: string; owner: string }[];
  /** How many are valid. */
  tokens: number;
  mode: SiteMode;
};

/** A copy: it does not change under the reader. Services and folders of the system are left out. */
export function showState(site: SiteState): ShownState {
  const { services, uploads, siteJobs, dataItems, portal, tokens, mode } = site;
  return {
    services: services
      .all()
      .filter(({ json }) => !json.isDefault)
      .map(showService),
    folders: services
      .folders()
      .filter(({ isDefault }) => !isDefault)
      .map(({ folderName }) => folderName),
    uploads: uploads.list().map(({ item, owner }) => {
      const { itemID, itemName, description, committed } = item;
      return { itemID, itemName, description, committed, owner };
    }),
    siteJobs: siteJobs.list().map((job) => {
      const { jobId, status, user, tools, task, isFinal, isForeign } = job;
      return {
        jobId,
        status,
        user,
        tools,
        task,
        isFinal,
        isForeign,
        itemId: job.inputs.in_sdp_id,
      };
    }),
    dataItems: dataItems.list(),
    portalItems: portal.items().map(({ id, type, title, owner }) => ({ id, type, title, owner })),
    tokens: tokens.valid().length,
    mode,
  };
}

function showService(service: Service): ShownService {
  const {
    folder,
    json,
    realTimeState,
    lastmodified,
    content,
    generation,
    publishedBy,
    permissions,
  } = service;
  return {
    folder,
    name: json.serviceName,
    type: json.type,
    configuredState: json.configuredState ?? 'STARTED',
    realTimeState,
    lastmodified,
    layers: content.layers.map(({ name }) => name),
    generation,
    publishedBy,
    permissions: structuredClone(permissions),
    json: structuredClone(json),
  };
}
