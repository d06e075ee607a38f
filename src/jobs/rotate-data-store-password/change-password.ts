import { withoutPassword, withPassword } from '../../sites/connection-strings.ts';
import { editItem } from '../../sites/data-store-items.ts';
import { findWholeItem, type WholeDataStoreItem } from '../../sites/data-store-reader.ts';
import type { Site } from '../../sites/sites.ts';
import { compareItems } from '../data-store-comparison.ts';
import { DataStoreRefusedError } from '../data-store-errors.ts';
import { isShownEncrypted } from '../data-store-item.ts';
import { validateOnSite } from '../data-store-validating.ts';
import type { DataStoreValidation } from '../data-store-validations.ts';
import type { JobContext } from '../job-type.ts';
import { defineStep, type StepContext } from '../step.ts';
import { type FoundItem, memberOf, readKept } from './find-logins.ts';
import { RotatedItem } from './schema.ts';

type Input = Pick<JobContext, 'secrets' | 'validations'> & {
  site: Site;
  at: number;
  found: FoundItem;
  password: string;
};

/** Gives one item the new password; what does not validate with it is put back at once. */
export function changePassword(number: number) {
  return defineStep<Input, RotatedItem>({
    name: `change:${number}`,
    title: 'Changing the password',
    share: [20, 98],
    result: RotatedItem,
    look: async () => undefined, // `change` sees for itself whether the item has the password already
    act: change,
    undo: async (input, result, { signal, intends }) => {
      if (result && result.outcome !== 'changed') return undefined;
      const note = `${input.found.path} on ${input.site.name} has its earlier password again`;
      await intends(note);
      await editItem(input.site, readKept(input, input.found.path), { signal });
      return note;
    },
  });
}

async function change(input: Input, context: StepContext): Promise<RotatedItem> {
  const { site, found, validations } = input;
  const { signal, log } = context;
  const before = readKept(input, found.path);
  if (isShownEncrypted(before)) throw notShown(site, before);
  const now = await readUnchanged(input, before, signal);
  const wanted = withNewPassword(before, input);
  const wasValid = (await validateOnSite(site, before, { signal })).isValid;
  const beforehand = await validateOnSite(site, wanted, { signal });
  if (!beforehand.isValid) {
    await log.warning(`${found.path} on ${site.name} does not validate with the new password.`);
    if (!isSame(before, now)) await editItem(site, before, { signal }); // an earlier attempt wrote it
    return toPutBack(found, { validation: beforehand, wasValid, isValid: wasValid });
  }
  if (!isSame(wanted, now)) await editItem(site, wanted, { signal });
  const held = (await findWholeItem(site, found.path, { signal })) ?? wanted;
  const after = await validateOnSite(site, isShownEncrypted(held) ? wanted : held, { signal });
  if (!after.isValid) {
    await editItem(site, before, { signal });
    const again = await validateOnSite(site, before, { signal });
    return toPutBack(found, { validation: after, wasValid, isValid: again.isValid });
  }
  await validations.save(site.name, found.path, after);
  await log.info(`${found.path} on ${site.name} has the new password.`);
  return { ...found, outcome: 'changed', wasValid, isValid: true, messages: [] };
}

/** An earlier attempt may have come so far. Where the site shows passwords encrypted nobody can tell. */
function isSame(wanted: WholeDataStoreItem, now: WholeDataStoreItem): boolean {
  const { differsIn, isSecretUnseen } = compareItems(wanted, now);
  return differsIn.length === 0 && !isSecretUnseen;
}

function withNewPassword(item: WholeDataStoreItem, { found, password }: Input): WholeDataStoreItem {
  const changed = found.sides.map((side) => {
    const member = memberOf[side];
    return [member, withPassword(String(item.info[member]), password)];
  });
  return { ...item, info: { ...item.info, ...Object.fromEntries(changed) } };
}

function toPutBack(
  found: FoundItem,
  seen: { validation: DataStoreValidation; wasValid: boolean; isValid: boolean },
): RotatedItem {
  const { validation, wasValid, isValid } = seen;
  return { ...found, outcome: 'put-back', wasValid, isValid, messages: validation.messages };
}

/** Somebody may have changed the item while this job waited for its turn. */
async function readUnchanged(
  { site }: Input,
  before: WholeDataStoreItem,
  signal: AbortSignal,
): Promise<WholeDataStoreItem> {
  const now = await findWholeItem(site, before.path, { signal });
  if (now && compareItems(withoutSecrets(before), withoutSecrets(now)).differsIn.length === 0)
    return now;
  throw new DataStoreRefusedError(
    'conflict',
    `${before.path} on ${site.name} was changed or removed by somebody else after this job had looked at it.`,
    { site: site.name },
  );
}

function withoutSecrets(item: WholeDataStoreItem): WholeDataStoreItem {
  const plain = Object.entries(item.info).map(([member, value]) => [
    member,
    typeof value === 'string' && /connectionString$/i.test(member) ? withoutPassword(value) : value,
  ]);
  return { ...item, info: Object.fromEntries(plain) };
}

function notShown(site: Site, { path }: WholeDataStoreItem): DataStoreRefusedError {
  return new DataStoreRefusedError(
    'not_restorable',
    `${site.name} shows the connection of ${path} only encrypted: it could not be put back, so it was not changed.`,
    { site: site.name },
  );
}
