import type { DocumentConnection } from '../../documents/document-connection.ts';
import type { MapContent, MapPart } from '../../documents/document-content.ts';
import { chosenMaps, type MapFault } from '../../documents/find-map-faults.ts';
import type { ServiceDefinitionDatabase } from '../../documents/service-definition.ts';
import type { DataStoreItem } from '../../sites/site-reader.ts';
import { matchReferencedData } from '../publish-service-definition/registered-data.ts';

type Asked = { map?: string | undefined; extensions: readonly string[] };

/**
 * Data that the site has not registered, told in the same way as before publishing. They are copied into the
 * definition, and freeze there; where ArcGIS cannot copy them, it refuses the layer.
 */
export function findUnregisteredData(
  content: MapContent,
  items: readonly DataStoreItem[],
  { map, extensions }: Asked,
): MapFault[] {
  const hasFeatureAccess = extensions.some((each) => each.toLowerCase() === 'featureserver');
  return chosenMaps(content, map).flatMap((part) =>
    [...sourcesOf(part)].flatMap(({ layer, isTable, connection }) => {
      const [found] = matchReferencedData([toDatabase(connection)], items);
      if (!found || found.item !== undefined) return [];
      const isQuery = connection.query !== undefined;
      const isHard = connection.kind === 'sde' && (isQuery || hasFeatureAccess);
      const nearest = found.nearest
        ? `; the nearest item is ${found.nearest.path}, which differs in ${found.nearest.differsIn.join(' and ')}`
        : '';
      return [
        {
          code: isHard ? '00231' : isTable ? '24012' : '24011',
          map: part.name,
          layer,
          detail: `${found.connection} is not registered${nearest}`,
          isCertain: false,
        },
      ];
    }),
  );
}

type Source = { layer: string; isTable: boolean; connection: DocumentConnection };

/** One per layer and place; services, memory and what is broken cannot be registered. */
function* sourcesOf({ layers, tables }: MapPart): Generator<Source> {
  const all = [
    ...layers.map(({ path, connections }) => ({ layer: path, isTable: false, connections })),
    ...tables.map(({ name, connections }) => ({ layer: name, isTable: true, connections })),
  ];
  for (const { layer, isTable, connections } of all) {
    const told = new Set<string>();
    for (const connection of connections) {
      const { kind, path, host, instance, database, user, version, fault } = connection;
      if (fault || (kind !== 'sde' && path === undefined)) continue;
      const place = JSON.stringify([path, host, instance, database, user, version]);
      if (told.has(place)) continue;
      told.add(place);
      yield { layer, isTable, connection };
    }
  }
}

function toDatabase(connection: DocumentConnection): ServiceDefinitionDatabase {
  const { kind, path, resolvedPath, dataset = '', workspaceFactory = '' } = connection;
  const { platform, host, instance, database, user, version, authentication } = connection;
  const known = { platform, host, instance, database, user, version, authentication };
  return {
    name: dataset,
    isCopied: false,
    workspaceFactory,
    connection:
      kind === 'sde'
        ? {
            kind: 'database',
            ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
          }
        : { kind: 'path', path: resolvedPath ?? path ?? '' },
    datasets: [{ name: dataset, type: '' }],
  };
}
