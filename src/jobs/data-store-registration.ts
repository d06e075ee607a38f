import { z } from 'zod';
import { editItem, registerItem, unregisterItem } from '../sites/data-store-items.ts';
import {
  findWholeItem,
  findWholeItems,
  isSamePath,
  type WholeDataStoreItem,
} from '../sites/data-store-reader.ts';
import type { Site } from '../sites/sites.ts';
import { compareItems, mergeItems } from './data-store-comparison.ts';
import { DataStoreRefusedError, ItemNotPutBackError } from './data-store-errors.ts';
import {
  DataStoreItemView,
  type DataStoreRegistrationResult,
  isShownEncrypted,
  toView,
} from './data-store-item.ts';
import { requireValid } from './data-store-validating.ts';
import { DataStoreValidation } from './data-store-validations.ts';
import type { JobContext } from './job-type.ts';
import { defineStep, type StepContext } from './step.ts';

/** Steps of every recipe that registers or changes one item; the recipe may have more before them. */
export const registrationSteps = ['decide', 'validate', 'register', 'verify'] as const;

/** What shall be registered, and what to do about what is there. */
export type Registration = Pick<JobContext, 'secrets' | 'validations' | 'warn'> & {
  site: Site;
  item: WholeDataStoreItem;
  ifExists: 'fail' | 'update';
  /** A change of an item that has to be there. */
  mustExist?: boolean;
};

const Decision = z.object({
  action: z.enum(['create', 'update', 'unchanged']),
  changed: z.array(z.string()),
});
type Decision = z.output<typeof Decision>;

/** Name under which the item as it was is kept until the job has ended. */
const itemBefore = 'item-before';

/** Looks at what is registered under the path and decides once and for all what is to be done. */
const decideRegistration = defineStep<Registration, Decision>({
  name: 'decide',
  title: 'Looking at what is registered',
  share: [40, 50],
  result: Decision,
  act: decide,
});

async function decide(registration: Registration, { signal }: StepContext): Promise<Decision> {
  const { site, item, ifExists, secrets } = registration;
  const held = await findWholeItem(site, item.path, { signal });
  if (!held) {
    if (registration.mustExist) {
      throw new DataStoreRefusedError('not_found', `${site.name} has no item ${item.path}.`, {
        site: site.name,
      });
    }
    await refuseSecondManaged(registration, signal);
    return { action: 'create', changed: [] };
  }
  hideSecretsOf(held, secrets);
  if (ifExists === 'update') await refuseSecondManaged(registration, signal);
  const { differsIn, isSecretUnseen } = compareItems(item, held);
  // A new secret may be what the update is for: where it cannot be compared, it is written.
  if (differsIn.length === 0 && !(isSecretUnseen && ifExists === 'update'))
    return { action: 'unchanged', changed: [] };
  if (ifExists === 'fail') {
    throw new DataStoreRefusedError(
      'data_store_exists',
      `${held.path} is registered on ${site.name} with other content; it differs in ${differsIn.join(', ')}. Nothing was changed. Send ifExists=update to change it, or another name.`,
      { site: site.name, item: toView(held), differsIn },
    );
  }
  if (isShownEncrypted(held)) {
    await registration.warn(
      `${site.name} shows the present connection of ${held.path} only encrypted: should the change fail after it was made, the item cannot be put back.`,
    );
  }
  await secrets.keep(itemBefore, JSON.stringify(held));
  return { action: 'update', changed: [...differsIn, ...(isSecretUnseen ? ['its secret'] : [])] };
}

/** A site has one managed database (Esri, "Register your data with ArcGIS Server"). */
async function refuseSecondManaged(
  { site, item }: Registration,
  signal: AbortSignal,
): Promise<void> {
  if (item.info.isManaged !== true || item.type !== 'egdb') return;
  const items = await findWholeItems(site, { types: ['egdb'] }, { signal });
  const managed = items.find(
    (each) => String(each.info.isManaged) === 'true' && !isSamePath(each.path, item.path),
  )?.path;
  if (!managed) return;
  throw new DataStoreRefusedError(
    'data_store_exists',
    `${site.name} has a managed database already, ${managed}, and takes one only. Nothing was changed.`,
    { site: site.name },
  );
}

type Decided = Registration & { decision: Decision };

/** The site tries out what shall be registered, before anything is changed. */
const validateBefore = defineStep<Decided, DataStoreValidation>({
  name: 'validate',
  title: 'The site tries out the connection',
  share: [50, 65],
  result: DataStoreValidation,
  act: ({ site, item, validations }, { signal }) =>
    requireValid(site, item, { signal, when: 'before', validations }),
});

const Registered = z.object({
  /** False when somebody else was first: then there is nothing of ours to take away. */
  isOurs: z.boolean(),
});
type Registered = z.output<typeof Registered>;

/** Registers the item or writes over it: once. */
const register = defineStep<Decided, Registered>({
  name: 'register',
  title: 'Registering the item',
  share: [65, 80],
  result: Registered,
  look: lookForItem,
  act: writeItem,
  undo: takeBack,
});

async function lookForItem(
  input: Decided,
  { signal }: StepContext,
): Promise<Registered | undefined> {
  const held = await findWholeItem(input.site, input.item.path, { signal });
  if (!held) return undefined;
  if (input.decision.action === 'create')
    return { isOurs: compareItems(input.item, held).differsIn.length === 0 };
  // Where the secret cannot be compared it is written again: twice is as good as once.
  return isSameItem(input.item, held) ? { isOurs: true } : undefined;
}

/** As far as it can be told, which is not at all where a secret is shown encrypted. */
function isSameItem(wanted: WholeDataStoreItem, held: WholeDataStoreItem): boolean {
  const { differsIn, isSecretUnseen } = compareItems(wanted, held);
  return differsIn.length === 0 && !isSecretUnseen;
}

async function writeItem(input: Decided, { signal, log }: StepContext): Promise<Registered> {
  const { site, item, decision } = input;
  if (decision.action === 'update') {
    await editItem(site, mergeItems(readItemBefore(input), item), { signal });
    await log.info(`${item.path} was changed.`);
    return { isOurs: true };
  }
  const answer = await registerItem(site, item, { signal });
  if (answer === 'registered') await log.info(`${item.path} was registered.`);
  return { isOurs: answer === 'registered' };
}

async function takeBack(
  input: Decided,
  result: Registered | undefined,
  context: StepContext,
): Promise<string | undefined> {
  const { site, item, decision } = input;
  const { signal } = context;
  if (result && !result.isOurs) return undefined;
  const held = await findWholeItem(site, item.path, { signal });
  if (decision.action === 'update') return putBackItem(input, held, context);
  if (!held) return undefined;
  if (compareItems(item, held).differsIn.length > 0) {
    throw new ItemNotPutBackError(
      `${item.path} on ${site.name} was changed by somebody else since; it was left as it is`,
    );
  }
  const note = `${item.path} was unregistered again`;
  await context.intends(note);
  await unregisterItem(site, item.path, { signal });
  return note;
}

async function putBackItem(
  input: Decided,
  held: WholeDataStoreItem | undefined,
  { signal, intends }: StepContext,
): Promise<string | undefined> {
  const { site, item } = input;
  const before = readItemBefore(input);
  if (isShownEncrypted(before)) {
    throw new ItemNotPutBackError(
      `${item.path} on ${site.name} could not be put back: the site had shown its connection only encrypted`,
    );
  }
  const note = held
    ? `${item.path} has its earlier content again`
    : `${item.path} was registered again as it was`;
  if (held && isSameItem(before, held)) return undefined; // it was never changed, or is put back already
  await intends(note);
  if (held) await editItem(site, before, { signal });
  else await registerItem(site, before, { signal });
  return note;
}

function readItemBefore({ secrets }: Registration): WholeDataStoreItem {
  return JSON.parse(secrets.get(itemBefore)) as WholeDataStoreItem;
}

const Verified = z.object({ item: DataStoreItemView, validation: DataStoreValidation });
type Verified = z.output<typeof Verified>;

/** Reads the item back and has it validated once more: a site may take what it cannot use. */
const verifyItem = defineStep<Decided, Verified>({
  name: 'verify',
  title: 'Reading the item back',
  share: [80, 98],
  result: Verified,
  act: verify,
});

const looks = 3;

async function verify(input: Decided, context: StepContext): Promise<Verified> {
  const { site, item, decision, validations, secrets } = input;
  const { signal } = context;
  const held = await readBack(input, context);
  hideSecretsOf(held, secrets);
  const { differsIn } = compareItems(item, held);
  if (differsIn.length > 0) {
    throw new DataStoreRefusedError(
      'verification_failed',
      `${site.name} said yes to ${item.path} and holds something else: it differs in ${differsIn.join(', ')}.`,
      { site: site.name, item: toView(held), differsIn },
    );
  }
  const usable = isShownEncrypted(held) ? { ...held, info: item.info } : held;
  const when = decision.action === 'unchanged' ? 'before' : 'after';
  const validation = await requireValid(site, usable, { signal, when, validations });
  await validations.save(site.name, item.path, validation);
  return { item: toView(held), validation };
}

async function readBack(
  { site, item }: Decided,
  context: StepContext,
): Promise<WholeDataStoreItem> {
  const { signal, timing } = context;
  for (let look = 1; ; look += 1) {
    const held = await findWholeItem(site, item.path, { signal });
    if (held) return held;
    if (look === looks) break;
    await context.pause(timing.pollMinMs);
  }
  throw new DataStoreRefusedError(
    'verification_failed',
    `${site.name} said that it registered ${item.path}, and shows no such item.`,
    { site: site.name },
  );
}

/** The common end of every recipe that registers or changes one item. */
export async function carryOutRegistration(
  registration: Registration,
  context: JobContext,
): Promise<DataStoreRegistrationResult> {
  const { step } = context;
  const decision = await step(decideRegistration, registration);
  const decided = { ...registration, decision };
  if (decision.action !== 'unchanged') {
    await step(validateBefore, decided);
    const { isOurs } = await step(register, decided);
    if (!isOurs) throw takenMeanwhile(registration);
  }
  const { item, validation } = await step(verifyItem, decided);
  const outcomes = { create: 'registered', update: 'updated', unchanged: 'unchanged' } as const;
  return {
    outcome: outcomes[decision.action],
    item,
    validation,
    changed: decision.changed,
    seconds: context.stepSeconds(),
    warnings: context.warnings(),
  };
}

function takenMeanwhile({ site, item }: Registration): DataStoreRefusedError {
  return new DataStoreRefusedError(
    'data_store_exists',
    `${item.path} appeared on ${site.name} after this job began: somebody else registered it. It was not touched.`,
    { site: site.name },
  );
}

/** Whatever the site shows in clear is masked from here on. */
export function hideSecretsOf(
  { info }: WholeDataStoreItem,
  secrets: Pick<JobContext['secrets'], 'hide'>,
): void {
  for (const text of [info.connectionString, info.clientConnectionString]) {
    if (typeof text === 'string' && text !== '') secrets.hide(text);
  }
}
