import { z } from 'zod';
import { lenient, parseAnswer, TextLike } from './answer-shapes.ts';
import { type ServiceTarget, toFolder, toFolderPath } from './service-target.ts';
import { listFolders, listServices, readServiceStatus, type ServiceStatus } from './services.ts';
import type { CallOptions } from './site-client.ts';
import { isNotFound, isRefusal } from './site-errors.ts';
import type { Site } from './sites.ts';

export type ServiceState = ServiceTarget & ServiceStatus;

/** Folders of every site whose services belong to the site itself (Esri, "Services"). */
const systemFolders = new Set(['system', 'utilities']);

export function isSystemService({ folder }: Pick<ServiceTarget, 'folder'>): boolean {
  return systemFolders.has(folder.toLowerCase());
}

const Status = z.looseObject({ configuredState: z.string(), realTimeState: z.string() });
const ReportAnswer = z.looseObject({
  reports: z.array(
    z.looseObject({
      folderName: TextLike,
      serviceName: z.string(),
      type: z.string(),
      status: lenient(Status),
    }),
  ),
});

/**
 * The services of one folder with their states: one request for all of them (Esri, "Report"); where a site
 * refuses that, or leaves states out, each service is asked.
 *
 * @throws SiteError (404) when there is no such folder
 */
export async function readStates(
  site: Site,
  folder: string,
  options: CallOptions = {},
): Promise<ServiceState[]> {
  const reported: Reported[] =
    (await findReport(site, toFolder(folder), options)) ??
    (await listServices(site, folder, options));
  const states: ServiceState[] = [];
  for (const { status: known, ...target } of reported) {
    const status = known ?? (await findStatus(site, target, options));
    if (status) states.push({ ...target, ...status });
  }
  return states;
}

type Reported = ServiceTarget & { status?: ServiceStatus | undefined };

async function findReport(
  site: Site,
  folder: string,
  { signal }: CallOptions,
): Promise<Reported[] | undefined> {
  const to = `report on ${folder === '' ? 'its root folder' : `the folder ${folder}`}`;
  const path = [...toFolderPath(folder), 'report'];
  const params = { parameters: JSON.stringify(['status']) };
  try {
    const json = await site.client.read('admin', path, { to, params, signal });
    const { reports } = parseAnswer(ReportAnswer, json, { site: site.name, to, kind: 'read' });
    return reports.map(({ folderName, serviceName, type, status }) => ({
      folder: toFolder(folderName),
      serviceName,
      type,
      status: status && {
        configuredState: status.configuredState,
        realTimeState: status.realTimeState,
      },
    }));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return undefined; // the listing tells whether the folder is there
  }
}

/** Undefined for a service that went meanwhile. */
export async function findStatus(
  site: Site,
  target: ServiceTarget,
  options: CallOptions = {},
): Promise<ServiceStatus | undefined> {
  try {
    return await readServiceStatus(site, target, options);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** All services that people published, with their states; those of the system are left out. */
export async function readAllStates(
  site: Site,
  options: CallOptions = {},
): Promise<ServiceState[]> {
  const states: ServiceState[] = [];
  for (const folder of ['', ...(await listFolders(site, options))]) {
    if (!isSystemService({ folder })) states.push(...(await readStates(site, folder, options)));
  }
  return states;
}
