import { z } from 'zod';
import { GatewayError } from '../../lib/errors.ts';
import type { WholeDataStoreItem } from '../../sites/data-store-reader.ts';
import type { Site } from '../../sites/sites.ts';
import { hideSecretsOf } from '../data-store-registration.ts';
import { findSelected, type Selection, siteNamesOf } from '../data-store-selection.ts';
import { cannotTell, validateOnSite } from '../data-store-validating.ts';
import type { JobContext } from '../job-type.ts';
import { defineStep, type StepContext } from '../step.ts';
import {
  type ValidateDataStoresParams,
  type ValidateDataStoresResult,
  ValidatedItem,
} from './schema.ts';

type Input = Pick<JobContext, 'secrets' | 'validations'> & {
  site: Site;
  selection: Selection;
  /** Others may still be asked when this one cannot be. */
  isOneOfMany: boolean;
};

const Found = z.object({ items: z.array(ValidatedItem), unreached: z.string().optional() });
type Found = z.output<typeof Found>;

export async function validateDataStores(
  params: ValidateDataStoresParams,
  { sites, step, secrets, validations, warn, warnings }: JobContext,
): Promise<ValidateDataStoresResult> {
  const names = siteNamesOf(params);
  const found: ValidatedItem[] = [];
  const unreachedSites: { site: string; reason: string }[] = [];
  for (const [at, name] of names.entries()) {
    const input = { site: sites.get(name), selection: params, secrets, validations };
    const { items, unreached } = await step(validateSite(at, names.length), {
      ...input,
      isOneOfMany: names.length > 1,
    });
    found.push(...items);
    if (unreached === undefined) continue;
    unreachedSites.push({ site: name, reason: unreached });
    await warn(`${name} could not be asked: ${unreached}`);
  }
  const count = (isValid: boolean | null) =>
    found.filter((item) => item.isValid === isValid).length;
  return {
    items: found,
    valid: count(true),
    invalid: count(false),
    unknown: count(null),
    unreachedSites,
    warnings: warnings(),
  };
}

function validateSite(at: number, count: number) {
  const share = (part: number) => Math.round((98 * part) / count);
  return defineStep<Input, Found>({
    name: `validate:${at}`,
    title: 'Validating',
    share: [share(at), share(at + 1)],
    result: Found,
    look: async () => undefined, // looking again does no harm
    act: validateAll,
  });
}

async function validateAll(input: Input, context: StepContext): Promise<Found> {
  const { site, selection } = input;
  try {
    const { found, missing } = await findSelected(site, selection, context);
    const items = missing.map((path) => notRegistered(site.name, path));
    for (const [at, item] of found.entries()) {
      await context.progress(at / found.length, `Validating ${item.path} on ${site.name}`);
      items.push(await validateOne(input, item, context));
    }
    return { items };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!input.isOneOfMany || !(error instanceof GatewayError)) throw error;
    return { items: [], unreached: error.message };
  }
}

async function validateOne(
  { site, secrets, validations }: Input,
  item: WholeDataStoreItem,
  { signal }: StepContext,
): Promise<ValidatedItem> {
  hideSecretsOf(item, secrets);
  const known = { site: site.name, path: item.path, type: item.type };
  const reason = cannotTell(item);
  if (reason) return { ...known, at: new Date().toISOString(), isValid: null, messages: [reason] };
  const found = await validateOnSite(site, item, { signal });
  await validations.save(site.name, item.path, found);
  const kept = await validations.find(site.name, item.path);
  return { ...known, ...(kept ?? found) };
}

function notRegistered(site: string, path: string): ValidatedItem {
  const messages = ['There is no such item on the site.'];
  return { site, path, at: new Date().toISOString(), isValid: false, messages };
}
