import { z } from 'zod';
import { readServiceRoot } from '../../sites/rest-services.ts';
import { sameName, toText } from '../../sites/service-target.ts';
import {
  findService,
  readLifecycle,
  readManifest,
  readService,
  readServiceStatus,
} from '../../sites/services.ts';
import { inShort } from '../publish-service-definition/acceptance.ts';
import type { Publishing } from '../publish-service-definition/publishing-context.ts';
import { NotPublishableError } from '../publish-service-definition/publishing-errors.ts';
import { digestOfSettings } from '../publish-service-definition/snapshot.ts';
import { defineStep } from '../step.ts';

const ComparedService = z.object({
  target: z.object({ folder: z.string(), serviceName: z.string(), type: z.string() }),
  compared: z.array(z.string()),
  settingsDigest: z.string(),
  configuredState: z.string(),
  lastModifiedMs: z.number().optional(),
});
export type ComparedService = z.output<typeof ComparedService>;

/** Finds out whether the definition can be the one that made the live service. Changes nothing. */
export const compareWithLive = defineStep<Publishing, ComparedService>({
  name: 'compare',
  title: 'Comparing with the live service',
  share: [0, 80],
  isReading: true,
  result: ComparedService,
  act: async (publishing, { signal }) => {
    const { site, wanted, warn } = publishing;
    const target = await findService(site, wanted, { signal });
    if (!target) {
      throw new NotPublishableError(
        'not_found',
        `There is no ${toText(wanted)} on ${site.name}. Send the folder and serviceName of the live service if they differ from the definition's own.`,
        { site: site.name, service: toText(wanted) },
      );
    }
    const { configuredState, realTimeState } = await readServiceStatus(site, target, { signal });
    if (!sameName(realTimeState, 'STARTED')) {
      throw new NotPublishableError(
        'conflict',
        `${toText(target)} of ${site.name} is ${realTimeState}: a service that does not run shows nothing to compare the definition with. Start it, then try again.`,
        { site: site.name, service: toText(target), realTimeState },
      );
    }
    const compared = ['name', 'type', ...(await compareContent(publishing, target, signal))];
    const { lastModifiedMs } = await readLifecycle(site, target, { signal });
    if (lastModifiedMs === undefined) {
      await warn(
        `${site.name} does not tell when a service was changed: whether this is still the live one later can be told by its settings only.`,
      );
    }
    const settingsDigest = digestOfSettings(await readService(site, target, { signal }));
    return {
      target,
      compared,
      settingsDigest,
      configuredState,
      ...(lastModifiedMs !== undefined && { lastModifiedMs }),
    };
  },
});

async function compareContent(
  publishing: Publishing,
  target: ComparedService['target'],
  signal: AbortSignal,
): Promise<string[]> {
  const { site, definition, warn } = publishing;
  const root = await readServiceRoot(site, target, { signal });
  const compared: string[] = [];
  if (target.type === 'GPServer' && definition.tasks) {
    refuseDifferent(publishing, 'tasks', definition.tasks.map(plain), root.tasks.map(plain));
    compared.push('tasks');
  }
  if (/^(?:Map|Feature)Server$/.test(target.type) && definition.layersFrom !== 'nothing') {
    const names = (list: { id: number; name: string }[]) =>
      list.map(({ id, name }) => `${id} ${name}`);
    refuseDifferent(publishing, 'layers', names(definition.layers), names(root.layers));
    refuseDifferent(publishing, 'tables', names(definition.tables), names(root.tables));
    compared.push('layers', 'tables');
  }
  const datasets = liveDatasets(await readManifest(site, target, { signal }));
  const own = definition.databases.flatMap((each) => each.datasets.map(({ name }) => name));
  if (datasets) {
    const [missing, more] = differences(own, datasets);
    if (missing.length + more.length === 0) compared.push('datasets');
    else
      await warn(
        `The manifest of the live service names other datasets than the definition: ${inShort([...more, ...missing])}.`,
      );
  }
  if (compared.length === 0) {
    await warn(`Of a ${target.type} nothing but its name and type could be compared.`);
  }
  return compared;
}

/** A task's name and its title differ in blanks. */
function plain(task: string): string {
  return task.replaceAll(/[\s_]+/g, '');
}

function refuseDifferent(
  { site, wanted }: Publishing,
  what: 'layers' | 'tables' | 'tasks',
  own: string[],
  live: string[],
): void {
  const [missing, more] = differences(own, live);
  if (missing.length + more.length === 0) return;
  const inWords = [
    missing.length > 0 ? `only the definition has ${inShort(missing)}` : '',
    more.length > 0 ? `only the service has ${inShort(more)}` : '',
  ];
  throw new NotPublishableError(
    'definition_mismatch',
    `This definition did not make ${toText(wanted)} of ${site.name}, for their ${what} differ: ${inWords.filter(Boolean).join('; ')}.`,
    { site: site.name, service: toText(wanted), onlyInDefinition: missing, onlyInService: more },
  );
}

function differences(own: string[], live: string[]): [missing: string[], more: string[]] {
  const without = (list: string[], other: string[]) =>
    list.filter((name) => !other.some((each) => sameName(each, name)));
  return [without(own, live), without(live, own)];
}

const WithDatasets = z.looseObject({
  databases: z.array(
    z.looseObject({ datasets: z.array(z.looseObject({ onServerName: z.string() })) }),
  ),
});

function liveDatasets(manifest: unknown): string[] | undefined {
  const { data } = WithDatasets.safeParse(manifest);
  return data?.databases.flatMap((each) => each.datasets.map(({ onServerName }) => onServerName));
}
