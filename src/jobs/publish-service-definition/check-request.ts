import { type ServiceTarget, sameName, toText } from '../../sites/service-target.ts';
import { findFolder, findService } from '../../sites/services.ts';
import { isRefusal } from '../../sites/site-errors.ts';
import {
  isHostingServer,
  type PublishingTools,
  readAdminInfo,
  readClockSkewMs,
  readPublishingTools,
  readRestInfo,
  readServerProperties,
  readSiteMode,
} from '../../sites/site-reader.ts';
import { federatedText } from '../service-permissions.ts';
import { defineStep, type StepContext } from '../step.ts';
import { arcMapText, hostedText } from './acceptance.ts';
import { checkData } from './check-data.ts';
import { describeLiveService } from './live-service.ts';
import { Decision, type Publishing, scratchKey, snapshotKey } from './publishing-context.ts';
import { NotPublishableError, NotYetError } from './publishing-errors.ts';
import { isAtLeast } from './site-version.ts';

/** Looks at account, site, definition and target, and decides once and for all what is to be done. */
export const checkRequest = defineStep({
  name: 'check',
  title: 'Checking the site and the definition',
  share: [0, 8],
  result: Decision,
  act: check,
  undo: async ({ storage }, _decision, { jobId }) => {
    await storage.deleteBeginning(scratchKey(jobId));
    await storage.delete(snapshotKey(jobId));
    return undefined;
  },
});

async function check(publishing: Publishing, context: StepContext): Promise<Decision> {
  const { site, definition, wanted } = publishing;
  const { signal } = context;
  const rest = await readRestInfo(site, { signal });
  const admin = await readAdminInfo(site, { signal });
  if (publishing.params.permissions && rest.owningSystemUrl !== undefined)
    throw new NotPublishableError('conflict', federatedText(site.name), { site: site.name });
  await refuseReadOnly(publishing, signal);
  await refuseByPrivilege(publishing, admin, signal);
  await refuseByRuntime(publishing, rest.version, signal);
  const data = await checkData(publishing, signal);
  const tools = await startedTools(publishing, signal);
  const clockDifferenceMs = (await readClockSkewMs(site, { signal })) ?? 0;
  const common = {
    tools: { name: tools.name, maxUsageTimeSeconds: tools.maxUsageTimeSeconds },
    isFederated: rest.owningSystemUrl !== undefined,
    clockDifferenceMs,
    ...data,
    ...(rest.version && { version: rest.version }),
    ...(admin.username && { account: admin.username }),
    ...(admin.privilege && { privilege: admin.privilege }),
  };
  const existing = await findService(site, wanted, { signal });
  if (!existing) {
    const folder = (await findFolder(site, wanted.folder, { signal })) ?? wanted.folder;
    if (definition.publishType === 'Replacement') {
      await publishing.warn(
        'The definition was staged to replace a service, and there is none of that name: what the site makes of it is not verified.',
      );
    }
    return { ...common, action: 'create', target: { ...wanted, folder }, method: 'as-staged' };
  }
  return { ...common, ...(await decideOnExisting(publishing, existing, signal)) };
}

async function decideOnExisting(
  publishing: Publishing,
  existing: ServiceTarget,
  signal: AbortSignal,
): Promise<Pick<Decision, 'action' | 'target' | 'method' | 'live'>> {
  const { site, params } = publishing;
  if (params.ifExists === 'fail') {
    const otherCase =
      toText(existing) === toText(publishing.wanted) ? '' : ` as ${toText(existing)}`;
    throw new NotPublishableError(
      'service_exists',
      `${toText(publishing.wanted)} exists on ${site.name}${otherCase}. Send ifExists=replace to replace it in place, or another serviceName. Nothing was changed.`,
      { site: site.name, service: toText(existing) },
    );
  }
  if (params.ifExists === 'skip') return { action: 'skip', target: existing, method: 'as-staged' };
  const method = methodOfReplacing(publishing, existing);
  const live = await describeLiveService(publishing, existing, signal);
  if (params.requireRestorable && live.restorable !== 'full') {
    throw new NotPublishableError(
      'not_restorable',
      `If replacing ${toText(existing)} failed, only its settings could be put back: Pressroom does not hold the definition that made it. Nothing was changed.`,
      { site: site.name, service: toText(existing), restorable: live.restorable },
    );
  }
  if (live.restorable === 'settings-only') {
    await publishing.warn(
      `Should replacing fail, only the settings of ${toText(existing)} can be put back: Pressroom does not hold the definition that made it.`,
    );
  }
  return { action: 'replace', target: existing, method, live };
}

function methodOfReplacing(
  { site, definition }: Publishing,
  existing: ServiceTarget,
): Decision['method'] {
  if (definition.publishType === 'Replacement') return 'as-staged';
  const { replaceMethod } = site.config;
  if (replaceMethod === 'refuse') {
    throw new NotPublishableError(
      'conflict',
      `${site.name} is configured to refuse replacing (replaceMethod). Stage the definition for replacement, or set the method that this site is proven to accept. ${toText(existing)} was not touched.`,
      { site: site.name, replaceMethod },
    );
  }
  return replaceMethod;
}

async function refuseReadOnly({ site }: Publishing, signal: AbortSignal): Promise<void> {
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

async function refuseByPrivilege(
  { site, definition }: Publishing,
  { username, privilege }: { username?: string; privilege?: string },
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

async function refuseByRuntime(
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

async function startedTools({ site }: Publishing, signal: AbortSignal): Promise<PublishingTools> {
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
