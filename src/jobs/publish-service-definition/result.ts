import { restUrl, toAdminPath } from '../../sites/service-target.ts';
import type { Site } from '../../sites/sites.ts';
import type { JobContext } from '../job-type.ts';
import type { SiteJobOutcome } from './await-site-job.ts';
import type { ConfiguredSettings } from './configure-service.ts';
import type { Unchanged } from './find-unchanged.ts';
import { noPermissions, type SetPermissions } from './permit-roles.ts';
import type { Decision, Publishing } from './publishing-context.ts';
import type { PublishServiceDefinitionResult } from './schema.ts';
import type { VerifiedService } from './verify-service.ts';

type Ended = {
  publishing: Publishing;
  decision: Decision;
  settings: ConfiguredSettings;
  outcome: SiteJobOutcome;
  service: VerifiedService;
  outageMs: number | null;
  permissions: SetPermissions;
  version: number | undefined;
};

export function toResult(
  { publishing, decision, settings, outcome, service, outageMs, version, permissions }: Ended,
  context: JobContext,
): PublishServiceDefinitionResult {
  return {
    outcome: decision.action === 'replace' ? 'replaced' : 'created',
    service: {
      ...namesAndAddresses(publishing.site, service.target),
      layers: service.layers,
      tables: service.tables,
    },
    verification: service.verification,
    kept: settings.kept,
    changed: settings.changed,
    referencedData: decision.referencedData ?? [],
    permissions,
    portalItemIds: service.portalItemIds,
    restorable: decision.live?.restorable ?? 'not-needed',
    outageMs,
    version: version ?? null,
    seconds: context.stepSeconds(),
    siteMessages: outcome.messages,
    warnings: context.warnings(),
  };
}

/** Nothing was done: the service that was there is what the caller wanted. */
export function toSkippedResult(
  publishing: Publishing,
  { target }: Pick<Decision, 'target'>,
  context: JobContext,
): PublishServiceDefinitionResult {
  return {
    outcome: 'skipped',
    service: { ...namesAndAddresses(publishing.site, target), layers: [], tables: [] },
    verification: 'none',
    ...nothingDone(context),
  };
}

/** Nothing was done: the service that is there is what the same request made before. */
export function toUnchangedResult(
  publishing: Publishing,
  service: VerifiedService,
  { version }: Unchanged,
  context: JobContext,
): PublishServiceDefinitionResult {
  const { target, layers, tables, verification, portalItemIds } = service;
  return {
    outcome: 'unchanged',
    service: { ...namesAndAddresses(publishing.site, target), layers, tables },
    verification,
    ...nothingDone(context),
    portalItemIds,
    version: version ?? null,
  };
}

function nothingDone(context: JobContext) {
  return {
    kept: [],
    changed: [],
    referencedData: [],
    permissions: noPermissions,
    portalItemIds: [],
    restorable: 'not-needed' as const,
    outageMs: null,
    version: null,
    seconds: context.stepSeconds(),
    siteMessages: [],
    warnings: context.warnings(),
  };
}

export function namesAndAddresses(site: Site, target: VerifiedService['target']) {
  const { url, adminUrl = url } = site.config;
  return {
    name: target.serviceName,
    folder: target.folder,
    type: target.type,
    adminUrl: [adminUrl, 'admin', ...toAdminPath(target).map(encodeURIComponent)].join('/'),
    restUrl: restUrl(site, target),
  };
}
