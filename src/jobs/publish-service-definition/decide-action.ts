import { type ServiceTarget, toText } from '../../sites/service-target.ts';
import { findPlace } from '../../sites/services.ts';
import { describeLiveService } from './live-service.ts';
import type { Decision, Publishing } from './publishing-context.ts';
import { NotPublishableError } from './publishing-errors.ts';
import type { Snapshot } from './snapshot.ts';

/** What is to be done, and the full picture of the service that would be replaced. */
export type Decided = Pick<Decision, 'action' | 'target' | 'method' | 'live' | 'hasFolder'> & {
  picture?: Snapshot;
};

/** @throws NotPublishableError when what is there stands against it */
export async function decideAction(publishing: Publishing, signal: AbortSignal): Promise<Decided> {
  const { site, definition, wanted } = publishing;
  const { folder, service } = await findPlace(site, wanted, { signal });
  if (service) return { ...(await decideOnExisting(publishing, service, signal)), hasFolder: true };
  if (definition.publishType === 'Replacement') {
    await publishing.warn(
      'The definition was staged to replace a service, and there is none of that name: what the site makes of it is not verified.',
    );
  }
  return {
    action: 'create',
    target: { ...wanted, folder: folder ?? wanted.folder },
    method: 'as-staged',
    hasFolder: folder !== undefined,
  };
}

async function decideOnExisting(
  publishing: Publishing,
  existing: ServiceTarget,
  signal: AbortSignal,
): Promise<Decided> {
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
  const { live, snapshot } = await describeLiveService(publishing, existing, signal);
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
  return { action: 'replace', target: existing, method, live, picture: snapshot };
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
