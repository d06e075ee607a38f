import { isRefusal } from '../../sites/site-errors.ts';
import { findDataStoreItems, readBlockDataCopy } from '../../sites/site-reader.ts';
import { copiedDatasets, copiedText, inShort } from './acceptance.ts';
import type { Decision, Publishing } from './publishing-context.ts';
import { NotPublishableError } from './publishing-errors.ts';
import { matchReferencedData, type ReferencedData } from './registered-data.ts';

/**
 * Whether the site blocks data from being copied in, where it says so, and what it knows of those that are
 * referred to.
 *
 * @throws NotPublishableError copied_data_refused, unregistered_data
 */
export async function checkData(
  publishing: Publishing,
  signal: AbortSignal,
): Promise<Pick<Decision, 'isDataCopyBlocked' | 'referencedData'>> {
  const { site, definition, params } = publishing;
  const copied = copiedDatasets(definition);
  if (copied.length > 0 && params.copiedData === 'refuse') {
    throw new NotPublishableError('copied_data_refused', copiedText(copied), { datasets: copied });
  }
  const isBlocked = await readBlockDataCopy(site, { signal }).catch((error: unknown) => {
    if (isRefusal(error)) return undefined;
    throw error;
  });
  if (isBlocked && copied.length > 0) {
    throw new NotPublishableError(
      'copied_data_refused',
      `${site.name} does not allow data to be copied in; inside this definition are ${inShort(copied)}. Register the source and draft the service by reference. Nothing was changed.`,
      { site: site.name, datasets: copied },
    );
  }
  const referencedData = await checkReferencedData(publishing, signal);
  return {
    ...(isBlocked !== undefined && { isDataCopyBlocked: isBlocked }),
    ...(referencedData && { referencedData }),
  };
}

/** @returns what the data are known as on the site; nothing where our account may not see what is registered */
async function checkReferencedData(
  publishing: Publishing,
  signal: AbortSignal,
): Promise<ReferencedData[] | undefined> {
  const { site, definition, params } = publishing;
  if (definition.databases.every((database) => database.isCopied)) return [];
  const items = await findDataStoreItems(site, { types: ['folder', 'egdb'], signal }).catch(
    (error: unknown) => {
      if (isRefusal(error)) return undefined;
      throw error;
    },
  );
  if (!items) return undefined;
  const data = matchReferencedData(definition.databases, items);
  const unregistered = data.filter(({ item }) => item === undefined);
  if (unregistered.length === 0) return data;
  const places = unregistered.map(
    ({ connection, datasets, nearest }) =>
      `${inShort(datasets)} through ${connection}${nearest ? ` (the nearest registered item is ${nearest.path}, which differs in ${nearest.differsIn.join(' and ')})` : ''}`,
  );
  const text = `The definition refers to data that ${site.name} has not registered: ${places.join('; ')}.`;
  if (params.referencedData === 'requireRegistered') {
    throw new NotPublishableError(
      'unregistered_data',
      `${text} Register exactly this connection, then try again. Nothing was changed.`,
      {
        site: site.name,
        datasets: unregistered.flatMap((found) => found.datasets),
        unregistered,
      },
    );
  }
  await publishing.warn(`${text} The service may not start.`);
  return data;
}
