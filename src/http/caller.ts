/** Who asks, and what it may do. `scopes: 'all'` is the caller of a gateway without keys. */
export type Caller = { id: string; scopes: ReadonlySet<string> | 'all'; sites: readonly string[] };

/** The one caller while no keys are configured; the gateway then listens on loopback only. */
export const anonymous: Caller = { id: 'anonymous', scopes: 'all', sites: ['*'] };

/** Whoever may create jobs may also follow them, dismiss them and see the sites. */
export const creatingScopes = [
  'publish:create',
  'datastores:register',
  'services:operate',
  'services:edit',
  'services:delete',
  'tools:run',
] as const;
export const jobReadingScopes = ['jobs:read', 'jobs:read:all', ...creatingScopes] as const;
export const jobDismissingScopes = ['jobs:cancel', ...creatingScopes] as const;
/** Not of those who create jobs: whoever puts one first keeps others waiting. */
export const prioritizingScopes = ['jobs:prioritize'] as const;
export const siteReadingScopes = ['sites:read', 'sites:admin', ...creatingScopes] as const;
export const webhookScopes = ['webhooks:manage'] as const;

export function hasScope(caller: Caller, scope: string): boolean {
  return caller.scopes === 'all' || caller.scopes.has(scope);
}

export function hasAnyScope(caller: Caller, scopes: readonly string[]): boolean {
  return scopes.some((scope) => hasScope(caller, scope));
}

export function reachesSite(caller: Caller, site: string): boolean {
  return caller.sites.includes('*') || caller.sites.includes(site);
}

/** Jobs are seen by whoever made them, and by those who may see all. */
export function seesJobsOf(caller: Caller, owner: string): boolean {
  return caller.id === owner || hasScope(caller, 'jobs:read:all');
}
