import { validateItem } from '../sites/data-store-items.ts';
import type { WholeDataStoreItem } from '../sites/data-store-reader.ts';
import { isRefusal } from '../sites/site-errors.ts';
import { readMachines } from '../sites/site-reader.ts';
import type { Site } from '../sites/sites.ts';
import { DataStoreInvalidError } from './data-store-errors.ts';
import { describePlace, isShownEncrypted, toView } from './data-store-item.ts';
import type { DataStoreValidation, DataStoreValidations } from './data-store-validations.ts';

/** Names of the site's machines; none where our account may not see them. */
export async function readMachineNames(site: Site, signal: AbortSignal): Promise<string[]> {
  try {
    return (await readMachines(site, { signal })).map(({ machineName }) => machineName);
  } catch (error) {
    if (isRefusal(error)) return [];
    throw error;
  }
}

/** Has the site validate an item, registered or not, and sorts its words by machine. */
export async function validateOnSite(
  site: Site,
  item: WholeDataStoreItem,
  { signal }: { signal: AbortSignal },
): Promise<DataStoreValidation> {
  const { isValid, messages } = await validateItem(site, item, { signal });
  const at = new Date().toISOString();
  if (isValid) return { at, isValid, messages: [] };
  const machines = sortByMachine(messages, await readMachineNames(site, signal));
  return { at, isValid, messages, ...(machines && { machines }) };
}

/**
 * That a site names the machine in each message is not verified; where it does, those it does not name had
 * nothing to say against the item.
 */
function sortByMachine(messages: string[], names: string[]): DataStoreValidation['machines'] {
  const named = names.map((machine) => ({
    machine,
    message: messages.find((text) => mentions(text, machine)),
  }));
  if (named.every(({ message }) => message === undefined)) return undefined;
  return named.map(({ machine, message }) =>
    message === undefined ? { machine, isValid: true } : { machine, isValid: false, message },
  );
}

function mentions(text: string, machine: string): boolean {
  const at = text.toLowerCase().indexOf(machine.toLowerCase());
  if (at < 0) return false;
  const after = text[at + machine.length] ?? '';
  return !/[\w.-]/.test(after) || !/[\w-]/.test(text[at + machine.length + 1] ?? '');
}

/** What an item that the site shows only encrypted can be told of: nothing. */
export function cannotTell(item: WholeDataStoreItem): string | undefined {
  return isShownEncrypted(item)
    ? 'The site shows the connection of this item only encrypted to our account, so it cannot be validated: an administrator over https sees it.'
    : undefined;
}

/** @throws DataStoreInvalidError with all that is known of the place and the machines */
export async function requireValid(
  site: Site,
  item: WholeDataStoreItem,
  options: { signal: AbortSignal; when: 'before' | 'after'; validations: DataStoreValidations },
): Promise<DataStoreValidation> {
  const found = await validateOnSite(site, item, options);
  if (found.isValid) return found;
  const last = await options.validations.find(site.name, item.path);
  const words = found.messages.join(' ') || 'it gave no reason';
  throw new DataStoreInvalidError(
    `${site.name} cannot use ${describePlace(item)}${options.when === 'after' ? ' although it took it' : ''}: ${words}`,
    {
      facts: {
        site: site.name,
        item: toView(item),
        place: describePlace(item),
        siteMessages: found.messages,
        ...(found.machines && { machines: found.machines }),
        ...(last?.lastValidAt && { lastValidAt: last.lastValidAt }),
      },
    },
  );
}
