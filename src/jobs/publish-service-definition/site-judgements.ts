import type { RestInfo } from '../../sites/rest-info.ts';
import { sameName } from '../../sites/service-target.ts';
import { isRefusal } from '../../sites/site-errors.ts';
import {
  type AdminInfo,
  isHostingServer,
  type PublishingTools,
  readPublishingTools,
  readServerProperties,
  readSiteMode,
} from '../../sites/site-reader.ts';
import { federatedText } from '../service-permissions.ts';
import { findRoleFaults } from '../service-roles.ts';
import { arcMapText, hostedText } from './acceptance.ts';
import type { Publishing } from './publishing-context.ts';
import { NotPublishableError, NotYetError } from './publishing-errors.ts';
import { isAtLeast } from './site-version.ts';

export async function refuseReadOnly({ site }: Publishing, signal: AbortSignal): Promise<void> {
  const { siteMode, lastModifiedMs } = await readSiteMode(site, { signal });
  if (siteMode !== 'READ_ONLY') return;
  const since =
    lastModifiedMs === undefined ? '' : ` since ${new Date(lastModifiedMs).toISOString()}`;
  throw new NotYetError(
    'site_read_only',
    `${site.name} is read-only${since}. The job waits.`,
    'later',
  );
}

/** @throws NotPublishableError where the portal, not the site, says who may use a service; for a role that is none */
export async function refusePermissions(
  { site, params, warn }: Publishing,
  { owningSystemUrl }: RestInfo,
  signal: AbortSignal,
): Promise<void> {
  if (!params.permissions) return;
  if (owningSystemUrl !== undefined)
    throw new NotPublishableError('conflict', federatedText(site.name), { site: site.name });
  const { unknown, warnings } = await findRoleFaults(site, params.permissions, { signal });
  for (const warning of warnings) await warn(warning);
  if (!unknown) return;
  const { message, roles } = unknown;
  throw new NotPublishableError('unknown_role', message, { site: site.name, roles });
}

export async function refuseByPrivilege(
  { site, definition }: Publishing,
  { username, privilege }: AdminInfo,
  signal: AbortSignal,
): Promise<void> {
  if (privilege === undefined || privilege === 'ADMINISTER') return;
  const account = username ?? site.config.auth.username;
  if (privilege === 'ACCESS') {
    throw new NotPublishableError(
      'site_insufficient_privilege',
      `${account} is ${privilege} on ${site.name}; publishing needs PUBLISH. An administrator can assign that privilege to the account's role. Nothing was changed.`,
      { site: site.name, account, privilege },
    );
  }
  if (definition.type !== 'GPServer') return;
  const property = 'allowGPAndExtensionPublishingToPublishers';
  const properties = await readServerProperties(site, { signal }).catch((error: unknown) => {
    if (isRefusal(error)) return undefined; // a publisher may not be allowed to see them
    throw error;
  });
  if (properties && String(properties[property]).toLowerCase() !== 'true') {
    throw new NotPublishableError(
      'site_insufficient_privilege',
      `${account} is ${privilege} on ${site.name}; geoprocessing services are published by administrators only, unless the server property ${property} is true. Nothing was changed.`,
      { site: site.name, account, privilege },
    );
  }
}

export async function refuseByRuntime(
  publishing: Publishing,
  version: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { site, definition } = publishing;
  if (definition.isHosted && (await isHostingServer(site, { signal })) !== true) {
    throw new NotPublishableError('hosted_definition', hostedText(site.name), { site: site.name });
  }
  if (definition.runtime !== 'ArcMap' || version === undefined) return;
  if (isAtLeast(version, 11, 0)) {
    throw new NotPublishableError('incompatible_runtime', arcMapText(site.name, version), {
      site: site.name,
      version,
    });
  }
  if (isAtLeast(version, 10, 9)) {
    await publishing.warn(
      `Made with ArcMap: ${version} runs it only where the optional ArcMap Runtime Support is on.`,
    );
  }
}

/** @throws NotYetError while they do not run */
export async function getStartedTools(
  { site }: Publishing,
  signal: AbortSignal,
): Promise<PublishingTools> {
  const tools = await readPublishingTools(site, { signal });
  if (!sameName(tools.realTimeState, 'STARTED')) {
    throw new NotYetError(
      'site_busy',
      `System/${tools.name}.GPServer of ${site.name} is ${tools.realTimeState}: an administrator has to start it. The job waits.`,
      'later',
    );
  }
  return tools;
}
