import { z } from 'zod';
import { readConnectionString } from '../../documents/connection-string.ts';
import type { ServiceDefinitionContent } from '../../documents/service-definition.ts';
import { inWords } from '../publish-service-definition/registered-data.ts';
import type { ServiceDifference } from './schema.ts';
import { without } from './service-difference.ts';

const Text = z
  .string()
  .nullish()
  .transform((text) => text ?? '');

const LiveManifest = z.looseObject({
  databases: z.array(
    z.looseObject({
      byReference: z.unknown(),
      onServerConnectionString: Text,
      onPremiseConnectionString: Text,
      datasets: z.array(z.looseObject({ onServerName: Text })).nullish(),
    }),
  ),
});

/**
 * Connections with their datasets, as the definition and the manifest of the live service tell them; of data
 * that were copied only the datasets, for a site puts them where it likes.
 *
 * @see Esri, "Service Manifest"
 */
export function compareDataSources(
  definition: ServiceDefinitionContent,
  manifest: unknown,
): ServiceDifference['dataSources'] {
  const { data } = LiveManifest.safeParse(manifest);
  if (!data) return null;
  const live = data.databases.flatMap((database) => {
    const isCopied = String(database.byReference).toLowerCase() === 'false';
    const { onPremiseConnectionString, onServerConnectionString } = database;
    // The publisher's side is what the definition has; a site may reach the same data in another way.
    const text = onPremiseConnectionString || onServerConnectionString;
    const place = inWords(readConnectionString(text), '');
    const names = (database.datasets ?? []).map(({ onServerName }) => onServerName);
    return names.map((name) => toLine(isCopied, place, name));
  });
  const own = definition.databases.flatMap(({ isCopied, datasets, connection, name }) =>
    datasets.map(({ name: dataset }) => toLine(isCopied, inWords(connection, name), dataset)),
  );
  const once = (list: string[]) => [...new Set(list)];
  return { added: without(once(own), live), removed: without(once(live), own) };
}

function toLine(isCopied: boolean, place: string, dataset: string): string {
  return isCopied ? `${dataset} (copied to the site)` : `${dataset} in ${place}`;
}
