import { z } from 'zod';
import { matchesPattern } from '../lib/text-pattern.ts';
import { findWholeItem } from '../sites/data-store-reader.ts';
import { findServicesOn, findServicesReading, readSiteData } from '../sites/data-store-uses.ts';
import { readAllStates, readStates, type ServiceState } from '../sites/service-states.ts';
import {
  parseTarget,
  type ServiceTarget,
  sameTarget,
  toFolder,
  toText,
} from '../sites/service-target.ts';
import { isNotFound } from '../sites/site-errors.ts';
import type { Site } from '../sites/sites.ts';
import { DataStorePath } from './data-store-item.ts';
import { ServicesRefusedError } from './service-errors.ts';

export const SiteName = z.string().min(1).max(63).describe('Name of a configured site');

/** A service as callers write it: `Transport/Roads.MapServer`, or `Roads.MapServer` in the root. */
export const ServiceName = z
  .string()
  .max(260)
  .refine((text) => parseTarget(text) !== undefined, {
    message: 'a service as `Folder/Name.Type`, such as `Transport/Roads.MapServer`',
  });

export const ServiceSelection = z
  .strictObject({
    names: z
      .array(ServiceName)
      .min(1)
      .max(2_000)
      .optional()
      .describe('Services as `Folder/Name.Type`; in the root `Name.Type`'),
    folder: z.string().min(1).max(120).optional().describe('All of one folder; `/` is the root'),
    pattern: z
      .string()
      .min(1)
      .max(260)
      .optional()
      .describe(
        'Compared with `Folder/Name.Type` without regard to case; `*` stands for any text, such as `Transport/*` or `*.ImageServer`',
      ),
    usesDataset: z
      .string()
      .min(1)
      .max(260)
      .optional()
      .describe(
        'A table or feature class that they read, as their manifests tell: `gis.editor.roads`, or `roads` whoever owns it; `*` stands for any text',
      ),
    usesDataStore: DataStorePath.optional().describe(
      'A data store item that they read, such as `/enterpriseDatabases/gisdb`',
    ),
    state: z
      .enum(['started', 'stopped', 'failed'])
      .optional()
      .describe('How they stand now; `failed`: they should run and do not'),
  })
  .refine((selection) => Object.values(selection).some((value) => value !== undefined), {
    message:
      'say which: names, folder, pattern, usesDataset, usesDataStore or state; `{"pattern": "*"}` is all',
  })
  .describe(
    'Which services. Several members narrow each other down. Those of the folders System and Utilities are meant only where they stand in `names` or `folder`',
  )
  .meta({ id: 'ServiceSelection' });
export type ServiceSelection = z.output<typeof ServiceSelection>;

export type SelectedServices = {
  services: ServiceState[];
  /** Names that were sent, and are not on the site. */
  missing: string[];
  /** What these read is not known. */
  unknown: string[];
};

type Options = { signal: AbortSignal };

/** What of a site is meant, in the site's own spelling. @throws ServicesRefusedError for a data store that is not there */
export async function findSelected(
  site: Site,
  selection: ServiceSelection,
  options: Options,
): Promise<SelectedServices> {
  const { listed, missing } = await findCandidates(site, selection, options);
  const fitting = listed.filter((service) => fits(service, selection));
  const { services, unknown } = await narrowByData(site, fitting, selection, options);
  return { services, missing, unknown };
}

async function findCandidates(
  site: Site,
  { names, folder }: ServiceSelection,
  options: Options,
): Promise<{ listed: ServiceState[]; missing: string[] }> {
  if (!names) {
    const listed =
      folder === undefined
        ? await readAllStates(site, options)
        : await readFolder(site, folder, options);
    return { listed, missing: [] };
  }
  const wanted = names.flatMap((name) => parseTarget(name) ?? []);
  const folders = [...new Set(wanted.map((target) => target.folder.toLowerCase()))];
  const there: ServiceState[] = [];
  for (const each of folders) there.push(...(await readFolder(site, each, options)));
  const named = (target: ServiceTarget) => wanted.some((one) => sameTarget(one, target));
  return {
    listed: there.filter(named),
    missing: wanted
      .filter((one) => !there.some((target) => sameTarget(one, target)))
      .map((target) => toText(target)),
  };
}

async function readFolder(site: Site, folder: string, options: Options): Promise<ServiceState[]> {
  try {
    return await readStates(site, toFolder(folder), options);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

function fits(service: ServiceState, { folder, pattern, state }: ServiceSelection): boolean {
  if (folder !== undefined && toFolder(folder).toLowerCase() !== service.folder.toLowerCase())
    return false;
  if (pattern !== undefined && !matchesPattern(pattern, toText(service))) return false;
  const [isWanted, isRunning] = [
    isStarted(service.configuredState),
    isStarted(service.realTimeState),
  ];
  switch (state) {
    case 'started':
      return isRunning;
    case 'stopped':
      return !isRunning && !isWanted;
    case 'failed':
      return !isRunning && isWanted;
    default:
      return true;
  }
}

export function isStarted(state: string): boolean {
  return state.toUpperCase() === 'STARTED';
}

async function narrowByData(
  site: Site,
  candidates: ServiceState[],
  { usesDataset, usesDataStore }: ServiceSelection,
  options: Options,
): Promise<{ services: ServiceState[]; unknown: string[] }> {
  if (usesDataset === undefined && usesDataStore === undefined)
    return { services: candidates, unknown: [] };
  const data = await readSiteData(site, { ...options, targets: candidates });
  const lists: string[][] = [];
  if (usesDataset !== undefined) lists.push(findServicesReading(usesDataset, data));
  if (usesDataStore !== undefined) {
    const item = await findWholeItem(site, usesDataStore, options);
    if (!item) {
      throw new ServicesRefusedError(
        'nothing_matched',
        `${site.name} has no data store item ${usesDataStore}, so nothing can be said to read it. Nothing was changed.`,
        { site: site.name },
      );
    }
    lists.push(findServicesOn(item, data));
  }
  const services = candidates.filter((service) =>
    lists.every((names) => names.includes(toText(service))),
  );
  return { services, unknown: data.withoutManifest };
}

/** What was looked for, as the end of a sentence. */
export function inWords(selection: ServiceSelection): string {
  const { names, folder, pattern, usesDataset, usesDataStore, state } = selection;
  return [
    names &&
      `named ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`,
    folder &&
      `in ${toFolder(folder) === '' ? 'the root folder' : `the folder ${toFolder(folder)}`}`,
    pattern && `matching ${pattern}`,
    usesDataset && `reading the dataset ${usesDataset}`,
    usesDataStore && `reading ${usesDataStore}`,
    state && `in the state ${state}`,
  ]
    .filter(Boolean)
    .join(', ');
}
