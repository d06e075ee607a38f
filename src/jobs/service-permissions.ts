import { z } from 'zod';
import {
  addPermission,
  readInherited,
  readPermissions,
  type ServicePermission,
} from '../sites/service-extras.ts';
import { type ServiceTarget, toText } from '../sites/service-target.ts';
import type { Site } from '../sites/sites.ts';
import { ServiceNotAsWantedError } from './service-errors.ts';
import type { StepContext } from './step.ts';

/** The principal that stands for the public (Esri, "Permissions"). */
const everyone = 'esriEveryone';

const Role = z
  .string()
  .min(1)
  .max(250)
  .refine((name) => name.toLowerCase() !== everyone.toLowerCase(), {
    message: 'for the public there is the member public',
  });

export const permissionMembers = {
  allow: z.array(Role).min(1).max(100).optional().describe('Roles that may use the service'),
  refuse: z.array(Role).min(1).max(100).optional().describe('Roles that may not'),
  public: z.boolean().optional().describe('Whether everybody may use it, without a login'),
};

export type PermissionsWanted = {
  allow?: string[] | undefined;
  refuse?: string[] | undefined;
  public?: boolean | undefined;
};

export function checkPermissions(wanted: PermissionsWanted, check: z.core.$RefinementCtx): void {
  const { allow, refuse = [] } = wanted;
  if (!allow && refuse.length === 0 && wanted.public === undefined)
    check.addIssue({
      code: 'custom',
      path: ['allow'],
      message: 'say what: allow, refuse or public',
    });
  const both = (allow ?? []).filter((role) => refuse.includes(role));
  if (both.length > 0)
    check.addIssue({
      code: 'custom',
      path: ['refuse'],
      message: `${both[0]} stands in allow, too`,
    });
}

export const ServicePermissionsInput = z
  .strictObject(permissionMembers)
  .superRefine(checkPermissions)
  .describe('Who may use the service, set right after the publish; stand-alone sites only')
  .meta({ id: 'ServicePermissions' });

/** One principal: null means that it had no entry of its own and inherited. */
export const PermissionChange = z
  .object({
    principal: z.string().describe('A role, or `esriEveryone`'),
    from: z.boolean().nullable().describe('Before; null: no entry, inherited from the folder'),
    to: z.boolean(),
    inherited: z.boolean().describe('What was inherited'),
  })
  .meta({ id: 'PermissionChange' });
export type PermissionChange = z.output<typeof PermissionChange>;

export const federatedText = (site: string) =>
  `${site} is federated: who may use a service is decided by the sharing of its portal item. Nothing was changed.`;

function toEntries({ allow = [], refuse = [], public: isPublic }: PermissionsWanted) {
  const entries: ServicePermission[] = [
    ...allow.map((principal) => ({ principal, isAllowed: true })),
    ...refuse.map((principal) => ({ principal, isAllowed: false })),
  ];
  if (isPublic !== undefined) entries.push({ principal: everyone, isAllowed: isPublic });
  return entries;
}

type Options = { signal: AbortSignal };

/** What has to be changed; entries that are as wanted are left alone. */
export async function findPermissionChanges(
  site: Site,
  target: ServiceTarget,
  wanted: PermissionsWanted,
  options: Options,
): Promise<PermissionChange[]> {
  const own = await readPermissions(site, target, options);
  const inherited = await readInherited(site, target, options);
  return toEntries(wanted).flatMap(({ principal, isAllowed }) => {
    const from = entryOf(own, principal) ?? null;
    if (from === isAllowed) return [];
    return [{ principal, from, to: isAllowed, inherited: entryOf(inherited, principal) ?? false }];
  });
}

function entryOf(entries: ServicePermission[], principal: string): boolean | undefined {
  return entries.find((each) => each.principal === principal)?.isAllowed;
}

export async function areSet(
  site: Site,
  target: ServiceTarget,
  changes: PermissionChange[],
  options: Options,
): Promise<boolean> {
  const own = await readPermissions(site, target, options);
  return changes.every(({ principal, to }) => entryOf(own, principal) === to);
}

/** Sets each that is not so, and looks whether the site has them. */
export async function setPermissions(
  site: Site,
  target: ServiceTarget,
  changes: PermissionChange[],
  options: Options,
): Promise<void> {
  const own = await readPermissions(site, target, options);
  for (const { principal, to } of changes) {
    if (entryOf(own, principal) === to) continue;
    await addPermission(site, target, { principal, isAllowed: to }, options);
  }
  if (changes.length === 0 || (await areSet(site, target, changes, options))) return;
  throw new ServiceNotAsWantedError(
    `${site.name} took the permissions of ${toText(target)}, and does not show them.`,
    { facts: { site: site.name, service: toText(target) } },
  );
}

/**
 * Gives every principal what it had. No documented operation removes an entry of one service alone, so one that had
 * none gets one that says what it inherited.
 *
 * @returns what was put back, in words
 */
export async function putBackPermissions(
  site: Site,
  target: ServiceTarget,
  changes: PermissionChange[],
  { signal, intends }: Pick<StepContext, 'signal' | 'intends'>,
): Promise<string | undefined> {
  const options = { signal };
  const own = await readPermissions(site, target, options);
  const ours = changes.filter(({ principal, to }) => entryOf(own, principal) === to);
  const isDifferent = ({ from, to, inherited }: PermissionChange) => (from ?? inherited) !== to;
  const due = ours.filter(isDifferent);
  // An entry that says what was inherited is there from an undo that was cut short.
  const left = changes
    .filter(({ from }) => from === null)
    .filter(({ principal, to, inherited }) => {
      const entry = entryOf(own, principal);
      return entry === to || entry === inherited;
    })
    .map(({ principal }) => principal);
  if (due.length === 0 && left.length === 0) return undefined;
  const note =
    left.length > 0
      ? ` (${left.join(', ')} had no entry and has one now that says what was inherited)`
      : '';
  const done = `${toText(target)} on ${site.name} can be used by whom it could be before${note}`;
  if (due.length > 0) await intends(done);
  for (const { principal, from, inherited } of due)
    await addPermission(site, target, { principal, isAllowed: from ?? inherited }, options);
  return done;
}
