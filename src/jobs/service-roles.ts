import { nearestNames } from '../documents/nearest-names.ts';
import { readRoles } from '../sites/roles.ts';
import type { Site } from '../sites/sites.ts';
import type { JobContext } from './job-type.ts';
import { ServicesRefusedError } from './service-errors.ts';
import type { PermissionsWanted } from './service-permissions.ts';

/** Principals of the site itself, such as the one for everybody, stand in no role store. */
const isBuiltIn = (name: string) => /^esri/i.test(name);
/** Whether a store of a domain names its roles with the domain is not verified. */
const withoutDomain = (name: string) => name.slice(name.lastIndexOf('\\') + 1).toLowerCase();

type RoleFaults = { warnings: string[]; unknown?: { message: string; roles: string[] } };

/**
 * Roles that are named and the site does not have: a site takes an entry for any name, and nobody can use the service by
 * it. Where not all roles can be seen it is a warning.
 */
export async function findRoleFaults(
  site: Site,
  { allow = [], refuse = [] }: PermissionsWanted,
  options: { signal: AbortSignal },
): Promise<RoleFaults> {
  const named = [...new Set([...allow, ...refuse])].filter((name) => !isBuiltIn(name));
  if (named.length === 0) return { warnings: [] };
  const roles = await readRoles(site, options);
  if (!roles)
    return {
      warnings: [
        `Whether ${site.name} has the roles ${named.join(', ')} is not known: our account is not shown them.`,
      ],
    };
  const { names, isWhole } = roles;
  const exact = new Set(names);
  const byPlainName = new Map(names.map((name) => [withoutDomain(name), name]));
  const missing = named.filter((name) => !byPlainName.has(withoutDomain(name)));
  const warnings = named
    .filter((name) => !exact.has(name) && !missing.includes(name))
    .map(
      (name) => `${site.name} writes the role ${name} as ${byPlainName.get(withoutDomain(name))}.`,
    );
  if (missing.length === 0) return { warnings };
  if (!isWhole)
    return {
      warnings: [
        ...warnings,
        `Whether ${site.name} has the roles ${missing.join(', ')} is not known: they are not among the first ${names.length} of its roles.`,
      ],
    };
  const near = [...new Set(missing.flatMap((name) => nearestNames(name, names, 3)))];
  const hint = near.length > 0 ? ` Nearest: ${near.join(', ')}.` : ' It has none at all.';
  const message = `${site.name} has no role ${missing.join(', ')}.${hint} Nothing was changed.`;
  return { warnings, unknown: { message, roles: missing } };
}

/** @throws ServicesRefusedError naming the roles that are none */
export async function refuseUnknownRoles(
  site: Site,
  wanted: PermissionsWanted,
  { signal, warn }: Pick<JobContext, 'signal' | 'warn'>,
): Promise<void> {
  const { unknown, warnings } = await findRoleFaults(site, wanted, { signal });
  for (const warning of warnings) await warn(warning);
  if (!unknown) return;
  const { message, roles } = unknown;
  throw new ServicesRefusedError('unknown_role', message, { site: site.name, roles });
}
